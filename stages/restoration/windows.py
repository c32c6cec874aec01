"""Missing windows: squares that do not overlap and each hide some ink: of a digit, its strokes.

Ink is what differs from the image's ground (images/ground.py): on a photograph, windows cover contrast.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stages.images.ground import ground, ink_level
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import PARAMS_FILE

LEAST_INK = 0.05  # mean ink that a window must hide, else there is nothing to restore
LEAST_SPREAD = 0.02  # and its standard deviation, if any window has it: what is all one colour fills itself
TRIES = 100  # to place windows one after the other; a first one in the middle may leave no room for the next


def check_windows(key: str, holes: Sequence[int], window: int, image_size: int) -> None:
    """Raise UserError if so many windows of this side do not fit an image."""
    if window > image_size:
        raise UserError(f"{PARAMS_FILE}: {key}.window = {window}: allowed with these images is at most {image_size}")
    if (most := (image_size // window) ** 2) < max(holes, default=0):
        raise UserError(
            f"{PARAMS_FILE}: {key}.holes = {max(holes)}: allowed with these images and {key}.window = {window} is at "
            f"most {most}"
        )


def draw_windows(images: np.ndarray, holes: int, window: int, seed: int) -> np.ndarray:
    """A mask (N, 1, S, S) that is False in `holes` windows an image, which `check_windows` accepts.

    Every image and number of holes has a stream of its own, so other images or counts never move a window. Where
    windows over ink find no room, as when they are many, those of a regular grid that hide the most ink are taken.
    """
    mask = np.ones_like(images[:, :1], dtype=bool)
    levels = sliding_window_view(ink_level(images, ground(images)), (window, window), axis=(1, 2))
    ink = levels.mean(axis=(3, 4))
    for index in range(len(images)):
        stream = numpy_stream(seed, "windows", holes, index)
        inked = ink[index] >= LEAST_INK
        varied = inked & (levels[index].std(axis=(2, 3)) >= LEAST_SPREAD)
        over_ink = np.argwhere(varied if varied.any() else inked)
        if not any(_place(mask[index, 0], over_ink, holes, window, stream) for _ in range(TRIES)):
            _place_on_grid(mask[index, 0], ink[index], holes, window)
    return mask


def _place(mask: np.ndarray, corners: np.ndarray, holes: int, window: int, stream: np.random.Generator) -> bool:
    """Cut windows into `mask` (S, S) one after the other, each drawn evenly from the corners still free."""
    mask[:] = True
    for _ in range(holes):
        if not len(corners):
            return False
        row, column = stream.choice(corners)
        mask[row : row + window, column : column + window] = False
        corners = corners[(np.abs(corners - (row, column)) >= window).any(axis=1)]
    return True


def _place_on_grid(mask: np.ndarray, ink: np.ndarray, holes: int, window: int) -> None:
    """Cut the windows with the most ink of those whose corners are multiples of the window's side."""
    mask[:] = True
    on_grid = ink[::window, ::window]
    for place in np.argsort(-on_grid, axis=None, kind="stable")[:holes]:
        row, column = window * np.array(np.unravel_index(place, on_grid.shape))
        mask[row : row + window, column : column + window] = False
