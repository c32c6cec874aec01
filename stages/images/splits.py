"""The three splits of an image set: train, validation and test."""

from dataclasses import dataclass

import numpy as np

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.sizes import doublings
from stages.pipeline.storage import Array, array_writer, load_arrays, publish

LABEL = Array("uint8", ("N",), low=0, high=199)  # more classes than any image set here has
SCHEMA = {"images": Array("uint8", ("N", "C", "S", "S")), "labels": LABEL}


@dataclass(frozen=True)
class Split:
    """Images and what they show."""

    images: np.ndarray  # (N, C, S, S), uint8
    labels: np.ndarray  # (N,), uint8


def save_splits(splits: dict[str, Split]) -> None:
    """Write the files of `train`, `validation` and `test`."""
    publish({artifacts.split(name): array_writer(vars(split)) for name, split in splits.items()})


def load_split(name: str) -> Split:
    """A split. Raises UserError for a file that is missing, damaged or does not hold labelled square images."""
    path = artifacts.split(name)
    arrays = load_arrays(path, SCHEMA)
    channels, size = arrays["images"].shape[1:3]
    if channels not in (1, 3):
        raise UserError(f"{path}: images have {channels} channels: allowed are 1 or 3")
    try:
        doublings(size)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    return Split(**arrays)
