"""What an image set gives to the pipeline: its splits, and their sizes without reading them."""

from collections.abc import Callable
from dataclasses import dataclass

from stages.images.counts import Shape
from stages.images.splits import Split
from stages.pipeline import named


@dataclass(frozen=True)
class Source:
    """An image set. Both functions give `train` and `test`, and raise UserError for files that are not as they should.

    Images are square, all of one size, with 1 or 3 channels.
    """

    shapes: Callable[[], dict[str, Shape]]  # known in a moment
    read: Callable[[], dict[str, Split]]


def load_source(name: str) -> Source:
    """The image set of this name. Raises UserError if there is none."""
    source: Source = named.thing(named.SOURCES, name, Source, "SOURCE")
    return source
