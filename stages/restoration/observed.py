"""What is seen of a set of images, as the stage `observe` writes it once for every restorer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.pipeline.storage import Array, array_writer, load_arrays, publish
from stages.restoration.observation import Observation, stack

IMAGE = ("N", "C", "S", "S")
SCHEMA = {
    "images": Array("float32", IMAGE, low=0, high=1),
    "labels": Array("uint8", ("N",), high=199, required=False),
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
    def where(self) -> np.ndarray | None:
        """The pixels (N, 1, S, S) to judge a restoration by: the hidden ones; None, which is all, if nothing is."""
        return None if self.observation.mask.all() else ~self.observation.mask

    def cell(self, condition: str) -> np.ndarray:
        """Which images (N,), bool, are seen under a condition."""
        return self.condition == condition


def repeat_over(
    images: np.ndarray, labels: np.ndarray, observation: Observation, conditions: list, name: str
) -> Observed:
    """The same images under each of the conditions, whose observations stand one after the other."""
    count = len(conditions)
    return Observed(
        images=np.tile(images, (count, 1, 1, 1)),
        labels=np.tile(labels, count),
        observation=observation,
        condition=np.repeat([np.format_float_positional(value, trim="-") for value in conditions], len(images)),
        condition_name=name,
    )


def join(first: Observed, second: Observed) -> Observed:
    """One set from two labelled ones of the same kind."""
    assert first.labels is not None and second.labels is not None
    return Observed(
        images=np.concatenate([first.images, second.images]),
        labels=np.concatenate([first.labels, second.labels]),
        observation=stack([first.observation, second.observation]),
        condition=np.concatenate([first.condition, second.condition]),
        condition_name=first.condition_name,
    )


def save_observed(sets: dict[Path, Observed]) -> None:
    """Write files of observations as a set."""
    publish({path: array_writer(path, _arrays(observed)) for path, observed in sets.items()})


def load_observed(path: Path) -> Observed:
    """Read what `save_observed` wrote. Raises UserError for a file that is missing, damaged or of another kind."""
    arrays = load_arrays(path, SCHEMA)
    observation = Observation(arrays["y"], arrays["mask"], arrays["sigma"])
    name = str(arrays["condition_name"])
    return Observed(arrays["images"], arrays.get("labels"), observation, arrays["condition"], name)


def _arrays(observed: Observed) -> dict[str, np.ndarray]:
    labels = {} if observed.labels is None else {"labels": observed.labels}
    return {
        "images": observed.images,
        **labels,
        **vars(observed.observation),
        "condition": observed.condition,
        "condition_name": np.array(observed.condition_name),
    }
