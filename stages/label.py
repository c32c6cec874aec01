"""Restored images -> data/labels/<task>.npz: what the classifier sees in each of them."""

from functools import partial

from stages.judging.classifier import load_classifier, predict
from stages.judging.labels import label_generated, label_task, save_labels
from stages.pipeline import artifacts
from stages.pipeline.command import no_arguments
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.restoration.observed import load_observed


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    images = load_observed(artifacts.observed(artifacts.INVERSION)).images
    see = partial(predict, load_classifier(compute, images), compute)
    labels = {artifacts.GENERATED: label_generated(params.priors, see)}
    for task in (artifacts.INVERSION, *params.tasks):
        labels[task] = label_task(task, params.priors, params.rivals.get(task, []), see)
    save_labels(labels)
