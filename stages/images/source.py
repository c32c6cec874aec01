"""What an image set gives to the pipeline: its images and labels, and their shape without reading them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.images.counts import Header
from stages.pipeline import named
from stages.pipeline.params import Data

MOST_CLASSES = 200  # far more than the classifier could tell apart


@dataclass(frozen=True)
class Pool:
    """The images of a set before they are split; test images of its own, if it has any, stand at the end."""

    # Rows (S, S) or (S, S, C), uint8, which `prepare` writes to a file; or the .npy that they are used from in place.
    images: Iterable[np.ndarray] | Path
    labels: np.ndarray | None  # (N,), uint8: the class of each; None where there are no classes


@dataclass(frozen=True)
class Source:
    """An image set. Both functions take `data` of params.yaml.

    They raise UserError for files that are not as they should.

    Images are square, all of one size, with 1 or 3 channels.
    """

    header: Callable[[Data], Header]  # known in a moment
    read: Callable[[Data], Pool]


def load_source(name: str) -> Source:
    """The image set of this name. Raises UserError if there is none."""
    source: Source = named.thing(named.SOURCES, name, Source, "SOURCE")
    return source
