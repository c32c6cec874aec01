"""The same ink on another ground."""

import numpy as np


def coloured(levels: np.ndarray) -> np.ndarray:
    """Ink levels (N, 1, S, S) on black as pictures (N, 3, S, S): on yellow, and as far from it in every channel."""
    yellow = np.float32([1, 1, 0])[:, None, None]
    return np.abs(yellow - levels)
