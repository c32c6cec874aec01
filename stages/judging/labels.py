"""What the classifier sees in observed and restored images; asked last, so that a new one re-runs no search.

Where the images have no labels there is no classifier, and the files hold no arrays.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from stages.images.splits import LABEL
from stages.pipeline import artifacts
from stages.pipeline.artifacts import NO_PRIOR, UNRESTORED
from stages.pipeline.errors import UserError
from stages.pipeline.storage import Arrays, load_arrays
from stages.restoration.observed import Observed, load_observed
from stages.restoration.restored import Restored, load_by_prior, load_methods, load_without_prior

See = Callable[[np.ndarray], np.ndarray]  # images (N, C, S, S), float32 -> labels (N,), uint8


def label_task(task: str, observed: Observed, priors: list[str], rivals: list[str], see: See) -> Arrays:
    """`<prior>/<method>` -> labels (N,) of a task's images as observed and as each restorer leaves them."""
    restored = {NO_PRIOR: load_without_prior(task, rivals, observed)}
    restored |= {prior: load_methods(task, prior, observed) for prior in priors}
    return _labelled({NO_PRIOR: observed}, restored, see)


def label_generated(priors: list[str], see: See) -> Arrays:
    """The same of the images that each prior drew itself: their own labels are what is seen in them as drawn."""
    observed = {prior: load_observed(artifacts.generated(prior)) for prior in priors}
    restored = {prior: load_by_prior(artifacts.GENERATED, prior, own) for prior, own in observed.items()}
    return _labelled(observed, restored, see)


def _labelled(observed: dict[str, Observed], restored: dict[str, Restored], see: See) -> Arrays:
    labels = {f"{prior}/{UNRESTORED}": see(own.observation.y) for prior, own in observed.items()}
    for prior, own in restored.items():
        labels |= {f"{prior}/{method}": see(images) for method, images in own.images.items()}
    return labels


def load_labels(task: str, prior: str, methods: Iterable[str], count: int) -> Arrays:
    """method -> labels (count,), uint8, of a prior or `none`.

    Raises UserError for a file that is missing, damaged, of other images or lacks a method.
    """
    path = artifacts.labels(task)
    label = replace(LABEL, axes=(count,))
    arrays = load_arrays(path, {}, lambda name: label if "/" in name else None)
    for method in methods:
        if f"{prior}/{method}" not in arrays:
            raise UserError(f"{path}: array '{prior}/{method}' is missing: run `dvc repro`")
    return {method: arrays[f"{prior}/{method}"] for method in methods}
