"""What is seen of a set of images, as the stage `observe` writes it once for every restorer."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stages.images.splits import LABEL
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import Array, Writer, array_writer, load_arrays
from stages.restoration.observation import Observation, stack

WHOLE = ("train", "test")  # the splits whose images are inverted
IMAGE = ("N", "C", "S", "S")
SCHEMA = {
    "images": Array("float32", IMAGE, low=0, high=1),
    "labels": replace(LABEL, required=False),
    "y": Array("float32", IMAGE),
    "mask": Array("bool", ("N", 1, "S", "S")),
    "sigma": Array("float32", ("N",), low=0),
    "condition": Array("str", ("N",)),
    "condition_name": Array("str", ()),
}


@dataclass(frozen=True)
class Observed:
    """N images, what is seen of them, and under which condition; all of one condition stand together."""

    images: np.ndarray  # (N, C, S, S), float32 in [0, 1]
    labels: np.ndarray | None  # (N,), uint8; None where nobody has labelled the images
    observation: Observation
    condition: np.ndarray  # (N,), words: the grid's value, or an inverted image's source
    condition_name: str  # the column of a table: sigma, holes, source, ...

    @property
    def conditions(self) -> list[str]:
        """Each condition once, in the order of the grid."""
        return list(dict.fromkeys(self.condition.tolist()))

    @property
    def hidden(self) -> np.ndarray | None:
        """The hidden pixels (N, 1, S, S), by which a restoration is judged; None if all are seen: then all count."""
        return None if self.observation.mask.all() else ~self.observation.mask

    @property
    def is_noisy(self) -> bool:
        """Whether everything is seen, under noise."""
        return self.hidden is None and bool(self.observation.sigma.any())

    def first(self, count: int) -> "Observed":
        """The first images under each condition, at most `count` of them."""
        return self.rows(np.concatenate([np.flatnonzero(self.cell(name))[:count] for name in self.conditions]))

    def rows(self, indices: np.ndarray) -> "Observed":
        """The images of these indices, in their order."""
        labels = None if self.labels is None else self.labels[indices]
        observation, condition = self.observation.rows(indices), self.condition[indices]
        return Observed(self.images[indices], labels, observation, condition, self.condition_name)

    def cell(self, condition: str) -> np.ndarray:
        """Which images (N,), bool, are seen under a condition."""
        return self.condition == condition


def condition_word(condition: float) -> str:
    """A number as conditions are named: 0, 0.1, 3."""
    return str(np.format_float_positional(condition, trim="-"))


def join(first: Observed, second: Observed) -> Observed:
    """One set, without labels, from two of the same kind."""
    return Observed(
        images=np.concatenate([first.images, second.images]),
        labels=None,
        observation=stack([first.observation, second.observation]),
        condition=np.concatenate([first.condition, second.condition]),
        condition_name=first.condition_name,
    )


def observed_writer(observed: Observed) -> Writer:
    """A file of observations."""
    labels = {} if observed.labels is None else {"labels": observed.labels}
    return array_writer(
        {
            "images": observed.images,
            **labels,
            **vars(observed.observation),
            "condition": observed.condition,
            "condition_name": np.array(observed.condition_name),
        }
    )


def load_observed(path: Path) -> Observed:
    """Read what `observed_writer` wrote.

    Raises UserError for a file that is missing, damaged, of another kind, or whose conditions do not stand together.
    """
    arrays = load_arrays(path, SCHEMA)
    observation = Observation(arrays["y"], arrays["mask"], arrays["sigma"])
    name = str(arrays["condition_name"])
    condition = arrays["condition"]
    if len(set(condition)) - 1 != (condition[1:] != condition[:-1]).sum():
        raise UserError(f"{path}: images of one condition do not stand together")
    return Observed(arrays["images"], arrays.get("labels"), observation, condition, name)


def load_whole() -> Observed:
    """The training and test images that are inverted. Raises UserError for a file of other ones, too."""
    path = artifacts.observed(artifacts.INVERSION)
    observed = load_observed(path)
    if observed.condition_name != "source" or observed.conditions != list(WHOLE):
        raise UserError(f"{path}: not images of {' and '.join(WHOLE)}: run `dvc repro`")
    return observed
