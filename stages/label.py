"""Restored images -> data/labels/<task>.npz: what the classifier sees in each of them."""

from functools import partial

from stages.judging.classifier import load_classifier, predict
from stages.judging.labels import label_generated, label_task
from stages.pipeline import artifacts
from stages.pipeline.artifacts import GENERATED, INVERSION
from stages.pipeline.command import no_arguments
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import array_writer, publish
from stages.restoration.observed import load_whole
from stages.restoration.task import load_task


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    whole = load_whole()
    see = partial(predict, load_classifier(compute, whole.images), compute)
    labels = {GENERATED: label_generated(params.priors, see)}
    labels[INVERSION] = label_task(INVERSION, whole, params.priors, [], see)
    for task in params.tasks:
        labels[task] = label_task(task, load_task(task, params), params.priors, params.rivals[task], see)
    publish({artifacts.labels(task): array_writer(own) for task, own in labels.items()})
