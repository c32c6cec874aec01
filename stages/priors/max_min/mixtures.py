"""Mixtures of Gaussians in the plane, whose modes are known: the usual test of how many modes a GAN finds.

They are a little wider than is usual, so that small networks learn them in a few thousand steps in the usual order.
"""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mixture:
    """Equally likely Gaussians N(centre, std^2 I), seen within the box [-reach, reach]^2."""

    centres: np.ndarray  # (M, 2), float32
    std: float
    reach: float


def _ring() -> Mixture:
    """Eight Gaussians on a circle of radius 2."""
    angle = np.arange(8) * 2 * math.pi / 8
    return Mixture(2 * np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32), std=0.2, reach=3.0)


def _grid() -> Mixture:
    """25 Gaussians, neighbours 2 apart."""
    axis = np.linspace(-4, 4, 5, dtype=np.float32)
    return Mixture(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2), std=0.2, reach=5.0)


MIXTURES = {"ring": _ring(), "grid": _grid()}
