"""Restored images -> data/labels/<task>.npz: what the classifier sees in each of them; no arrays without labels."""

from stages.judging.embedding import load_embedding
from stages.judging.labels import label_generated, label_task
from stages.pipeline import artifacts
from stages.pipeline.artifacts import GENERATED, INVERSION
from stages.pipeline.command import no_arguments, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import Arrays, array_writer, publish
from stages.restoration.observed import load_whole
from stages.restoration.task import load_task


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    whole = load_whole()
    labels: dict[str, Arrays] = {task: {} for task in (GENERATED, INVERSION, *params.tasks)}
    if whole.labels is None:
        say("label: the images have no labels, so there are none to be seen in restored ones")
    else:
        see = load_embedding(whole.images, labelled=True, compute=choose_compute()).see
        labels[GENERATED] = label_generated(params.priors, see)
        labels[INVERSION] = label_task(INVERSION, whole, params.priors, [], see)
        for task in params.tasks:
            labels[task] = label_task(task, load_task(task, params), params.searched, params.rivals[task], see)
    publish({artifacts.labels(task): array_writer(own) for task, own in labels.items()})
