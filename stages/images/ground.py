"""Ink on any image: what stands out from the image's own ground. White strokes on black paper are one example."""

import numpy as np

from stages.pipeline.numerics.pixels import to_float, to_uint8


def ground(images: np.ndarray) -> np.ndarray:
    """The ground of images (N, C, S, S): (N, C, 1, 1), float32, the median of each channel over the outermost pixels.

    To the nearest of 256 levels, since what a generator draws as one level varies by less.
    """
    border = np.ones(images.shape[2:], dtype=bool)
    border[1:-1, 1:-1] = False
    median = np.median(images[:, :, border], axis=2)
    return to_float(to_uint8(median))[:, :, None, None]


def ink(images: np.ndarray, of: np.ndarray) -> np.ndarray:
    """How far pixels of images (N, C, S, S) are from the grounds `of` (N, C, 1, 1): (N, C, S, S), from 0 to 1.

    The ink of a restored image is taken from the original's ground: where the ground was lost, there is ink.
    """
    return np.abs(images - of)


def ink_level(images: np.ndarray, of: np.ndarray) -> np.ndarray:
    """The same as one number a pixel, its mean over channels: (N, S, S)."""
    return ink(images, of).mean(axis=1)
