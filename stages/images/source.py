"""What an image set gives to the pipeline: its splits, and their sizes without reading them."""

from collections.abc import Callable
from dataclasses import dataclass

from stages.images.splits import Split


@dataclass(frozen=True)
class Source:
    """An image set. Both functions give `train` and `test`, and raise UserError for files that are not as they should.

    Images are square, all of one size, with 1 or 3 channels.
    """

    shapes: Callable[[], dict[str, tuple[int, int, int, int]]]  # (N, C, S, S), known in a moment
    read: Callable[[], dict[str, Split]]
