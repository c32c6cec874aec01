"""What the classifier sees in images, observed and restored: predicted last, since nothing dear may hang on it."""

from collections.abc import Callable

import numpy as np

from stages.pipeline import artifacts
from stages.pipeline.artifacts import NO_PRIOR, UNRESTORED
from stages.pipeline.errors import UserError
from stages.pipeline.storage import Array, Arrays, array_writer, load_arrays, publish
from stages.restoration.observed import Observed, load_observed
from stages.restoration.restored import Restored, load_restored, load_rivals

See = Callable[[np.ndarray], np.ndarray]  # images (N, C, S, S), float32 -> labels (N,), uint8


def label_task(task: str, priors: list[str], rivals: list[str], see: See) -> Arrays:
    """`<prior>/<method>` -> labels (N,) of a task's images as observed and as each restorer leaves them."""
    observed = load_observed(artifacts.observed(task))
    restored = {NO_PRIOR: load_rivals(task, rivals, observed)}
    restored |= {prior: load_restored(artifacts.restored_by_prior(task, prior), observed) for prior in priors}
    return _labelled({NO_PRIOR: observed}, restored, see)


def label_generated(priors: list[str], see: See) -> Arrays:
    """The same of the images that each prior drew itself: what they show is what is seen in them as drawn."""
    observed = {prior: load_observed(artifacts.generated(prior)) for prior in priors}
    restored = {
        prior: load_restored(artifacts.restored_by_prior(artifacts.GENERATED, prior), own)
        for prior, own in observed.items()
    }
    return _labelled(observed, restored, see)


def _labelled(observed: dict[str, Observed], restored: dict[str, Restored], see: See) -> Arrays:
    labels = {f"{prior}/{UNRESTORED}": see(own.observation.y) for prior, own in observed.items()}
    for prior, own in restored.items():
        labels |= {f"{prior}/{method}": see(images) for method, images in own.images.items()}
    return labels


def save_labels(labels: dict[str, Arrays]) -> None:
    """Write the files of some tasks."""
    paths = {artifacts.labels(task): own for task, own in labels.items()}
    publish({path: array_writer(path, own) for path, own in paths.items()})


def load_labels(task: str, wanted: dict[str, list[str]], count: int) -> dict[str, Arrays]:
    """prior -> method -> labels (count,), uint8; `wanted` are the methods of each prior that must be there.

    Raises UserError for a file that is missing, damaged or lacks one of them.
    """
    path = artifacts.labels(task)
    label = Array("uint8", (count,), high=199)
    arrays = load_arrays(path, {}, lambda name: label if "/" in name else None)
    for prior, methods in wanted.items():
        for method in methods:
            if f"{prior}/{method}" not in arrays:
                raise UserError(f"{path}: array '{prior}/{method}' is missing: run `dvc repro`")
    return {prior: {method: arrays[f"{prior}/{method}"] for method in methods} for prior, methods in wanted.items()}
