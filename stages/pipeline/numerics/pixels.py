"""The one place that converts images: uint8 on the disk, float32 in [0, 1] in all computation."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def to_float(images: np.ndarray) -> np.ndarray:
    """uint8 images -> float32 in [0, 1]."""
    return images.astype(np.float32) / 255


def tensor_to_float(images: "Tensor") -> "Tensor":
    """The same of a tensor, wherever it lies."""
    return images.float() / 255


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] -> uint8, rounded; what lies outside is clipped."""
    return (np.clip(images, 0, 1) * 255).round().astype(np.uint8)
