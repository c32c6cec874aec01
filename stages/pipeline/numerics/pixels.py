"""The one place that converts images: uint8 on the disk, float32 in [0, 1] in all computation."""

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = 256  # of an 8-bit pixel
Density = TypeVar("Density", float, np.ndarray, "Tensor")


def to_float(images: np.ndarray) -> np.ndarray:
    """uint8 images -> float32 in [0, 1]."""
    return images.astype(np.float32) / 255


def tensor_to_float(images: "Tensor") -> "Tensor":
    """uint8 -> float32 in [0, 1], on the tensor's own device."""
    return images.float() / 255


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] -> uint8, rounded; what lies outside is clipped."""
    return (np.clip(images, 0, 1) * 255).round().astype(np.uint8)


def bits_per_dim(log_density: Density, pixels: int) -> Density:
    """Bits for each of `pixels` values of 8-bit images: 8 - log2 p(x) / pixels, from log p(x) in nats.

    p is a density on [0, 1]^pixels, in which each image of 256 levels has a cell of volume 256^-pixels: 8 bits for a
    uniform one.
    """
    return math.log2(LEVELS) - log_density / (pixels * math.log(2))
