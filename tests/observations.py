"""Observed images as tests need them: all seen unless a mask is given."""

import numpy as np

from stages.restoration.observation import Observation
from stages.restoration.observed import Observed, condition_word


def observe(
    images: np.ndarray,  # (N, C, S, S)
    condition: object,  # N of them, or one for all
    name: str = "source",
    *,
    y: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,  # 0 for all unless given
) -> Observed:
    """The images under their conditions; those of `sigma` are the noise levels."""
    count = len(images)
    words = np.broadcast_to(np.asarray(condition).astype(str), count).copy()
    mask = np.ones_like(images[:, :1], dtype=bool) if mask is None else mask
    y = np.where(mask, images, np.float32(0)) if y is None else y
    sigma = words.astype(np.float32) if name == "sigma" else np.zeros(count, dtype=np.float32)
    labels = np.zeros(count, dtype=np.uint8) if labels is None else labels
    return Observed(images, labels, Observation(y, mask, sigma), words, name)


def window(images: np.ndarray, rows: slice, columns: slice = slice(None)) -> np.ndarray:
    """A mask (N, 1, S, S) that hides these rows and columns of each image."""
    mask = np.ones_like(images[:, :1], dtype=bool)
    mask[:, :, rows, columns] = False
    return mask


def repeated(images: np.ndarray, labels: np.ndarray, observation: Observation, conditions: list, name: str) -> Observed:
    """The same labelled images under each of the conditions, whose observations stand one after the other."""
    count = len(conditions)
    words = np.repeat([condition_word(condition) for condition in conditions], len(images))
    return Observed(np.tile(images, (count, 1, 1, 1)), np.tile(labels, count), observation, words, name)
