"""How bright things are shown that have no brightness of their own."""

import numpy as np

HIDDEN = 0.4  # the grey of hidden pixels, so that they do not pass for black
MOST_UNCERTAIN = 0.5  # standard deviation shown as white: that of a pixel that is black or white with equal odds


def uncertainty(std: np.ndarray) -> np.ndarray:
    """The standard deviation of images (..., C, S, S) as grey ones (..., 1, S, S), white from MOST_UNCERTAIN.

    Of three channels it is the root mean square: shown as colours it would pass for a picture.
    """
    mean_square = np.square(std).mean(axis=-3, keepdims=True)
    return (np.sqrt(mean_square) / MOST_UNCERTAIN).clip(0, 1)


def difference(found: np.ndarray, images: np.ndarray) -> np.ndarray:
    """found - images (N, 3, S, S), from -1 to 1, as colours: mid-grey where they are equal."""
    return 0.5 + (found - images) / 2
