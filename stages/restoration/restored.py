"""What a restorer made of a set of observations: one form for every prior and every rival.

A file holds nothing of the observations; its rows are theirs, in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import Array, Arrays, Writer, array_writer, load_arrays
from stages.restoration.observed import IMAGE, Observed

METHODS, CODES = "methods", "_codes"  # the array of the methods' names; the ending of an array of codes
PLAIN, MAP, POSTERIOR_MEAN, WHITENED = "plain", "map", "posterior_mean", "whitened"
BY_PRIOR = (PLAIN, MAP, POSTERIOR_MEAN)  # the methods by which a prior restores
BY_FLOW = (MAP, POSTERIOR_MEAN)  # and with a flow: the textbook knows none
BY_INVERSION = (PLAIN, MAP, WHITENED)  # the same where everything is seen without noise
UNIT = Array("float32", IMAGE, low=0, high=1)
SPREAD = {
    "posterior_std": Array("float32", IMAGE, low=0, required=False),
    **{name: Array("float32", IMAGE, low=0, high=1, required=False) for name in ("low_50", "high_50")},
    **{name: Array("float32", IMAGE, low=0, high=1, required=False) for name in ("low_90", "high_90")},
    "completions": Array("uint8", ("N", "R", "C", "S", "S"), required=False),
    "chain_weights": Array("float32", ("N", "R"), low=0, high=1, required=False),
    "r_hat": Array("float32", ("N",), low=0, required=False),
}


@dataclass(frozen=True)
class Restored:
    """Images of one or several methods, and what else they tell."""

    images: Arrays  # method -> (N, C, S, S), float32 in [0, 1]
    codes: Arrays = field(default_factory=dict)  # of methods that end in a code: (N, latent_dim), float32
    spread: Arrays = field(default_factory=dict)  # of a posterior: see `sample_posterior`

    def rows(self, which: slice | np.ndarray) -> "Restored":
        """The rows of these observations."""
        return Restored(*({name: array[which] for name, array in group.items()} for group in vars(self).values()))


def restored_writer(restored: Restored) -> Writer:
    """A file of restorations."""
    codes = {method + CODES: codes for method, codes in restored.codes.items()}
    return array_writer({METHODS: np.array(list(restored.images)), **restored.images, **codes, **restored.spread})


def load_restored(path: Path, observed: Observed, wanted: Sequence[str] | None = None) -> Restored:
    """Read what was restored of `observed` by the methods `wanted`, or by any.

    Raises UserError for a file that is missing, damaged, of other images or of other methods.
    """
    arrays = load_arrays(path, {METHODS: Array("str", ("M",))} | SPREAD, _others)
    methods = arrays[METHODS].tolist()
    missing = [method for method in methods if method not in arrays]
    if wanted is not None and methods != list(wanted):
        raise UserError(f"{path}: its methods are {', '.join(methods)}: allowed are {', '.join(wanted)}")
    missing += [name + CODES for name in (PLAIN, MAP, WHITENED) if name in methods and name + CODES not in arrays]
    if POSTERIOR_MEAN in methods:
        missing += [name for name in SPREAD if name not in arrays]
    known = {METHODS, *SPREAD, *methods, *(method + CODES for method in methods)}
    if foreign := sorted(arrays.keys() - known):
        raise UserError(f"{path}: array {foreign[0]!r} does not belong in it")
    if missing:
        raise UserError(f"{path}: array {missing[0]!r} is missing; it has {', '.join(sorted(arrays))}")
    restored = Restored(
        images={method: arrays[method] for method in methods},
        codes={method: arrays[method + CODES] for method in methods if method + CODES in arrays},
        spread={name: arrays[name] for name in SPREAD if name in arrays},
    )
    for method, images in restored.images.items():
        if images.shape != observed.images.shape:
            raise UserError(
                f"{path}: {method} has shape {images.shape}, what was observed {observed.images.shape}: run `dvc repro`"
            )
    return restored


def join_restored(first: Restored, second: Restored) -> Restored:
    """One set, of N + M images, from two of N and M images that the same methods made."""
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return Restored(*({name: np.concatenate([a[name], b[name]]) for name in a} for a, b in pairs))


def methods_of(prior: str) -> tuple[str, ...]:
    """The methods by which a prior restores, with a flow or without."""
    return BY_FLOW if artifacts.prior_and_latent(prior)[1] == artifacts.FLOW else BY_PRIOR


def load_by_prior(task: str, prior: str, observed: Observed) -> Restored:
    """What a prior made of a task's observations, by each of its methods."""
    whole = task in (artifacts.INVERSION, artifacts.GENERATED)
    methods = BY_INVERSION if whole else methods_of(prior)
    return load_restored(artifacts.restored_by_prior(task, prior), observed, methods)


def load_combined(task: str, prior: str, observed: Observed) -> Restored:
    """What a prior's posterior mean and the rivals made of a task's observations, put together."""
    return load_restored(artifacts.combined(task, prior), observed, [artifacts.COMBINED])


def load_methods(task: str, prior: str, observed: Observed) -> Restored:
    """What a prior made of a task's observations by all its methods, with the rivals' help too but for inversions."""
    alone = load_by_prior(task, prior, observed)
    if task in (artifacts.INVERSION, artifacts.GENERATED):
        return alone
    helped = load_combined(task, prior, observed)
    return replace(alone, images=alone.images | helped.images)


def load_without_prior(task: str, rivals: list[str], observed: Observed) -> Restored:
    """What the rivals made of a task's observations, each a method, and put together; none of an inversion."""
    alone = load_rivals(task, rivals, observed)
    together = load_combined(task, artifacts.NO_PRIOR, observed).images if rivals else {}
    return replace(alone, images=alone.images | together)


def load_tuned(task: str, prior: str, rivals: list[str], observed: Observed) -> Arrays:
    """restorer -> what a prior, or none, and then the rivals made of what is seen of validation images."""
    files = {} if prior == artifacts.NO_PRIOR else {prior: artifacts.tuned_by_prior(task, prior)}
    files |= {rival: artifacts.tuned_by_rivals(task) / f"{rival}.npz" for rival in rivals}
    return {name: load_restored(path, observed, [name]).images[name] for name, path in files.items()}


def load_rivals(task: str, rivals: list[str], observed: Observed) -> Restored:
    """What all rivals made of a task's observations, each a method; none of an inversion."""
    files = [load_restored(artifacts.restored_by_rival(task, rival), observed, [rival]) for rival in rivals]
    return Restored({method: images for file in files for method, images in file.images.items()})


def _others(name: str) -> Array:
    return Array("float32", ("N", "latent_dim")) if name.endswith(CODES) else UNIT
