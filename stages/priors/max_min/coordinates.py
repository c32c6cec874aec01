"""Images in few coordinates: enough for a classifier, and few enough for networks of a few thousand weights."""

from dataclasses import dataclass

import numpy as np

from stages.images.stored import Images
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.numerics.sizes import images_at_a_time


@dataclass(frozen=True)
class Coordinates:
    """Images as whitened principal components: image = mean + loadings z, and z has mean 0 and covariance I."""

    mean: np.ndarray  # (C, S, S), float32
    loadings: np.ndarray  # (C * S * S, D), float32: principal axes, each times its standard deviation

    def encode(self, images: Images) -> np.ndarray:
        """images (N, C, S, S), uint8 -> z (N, D), float32."""
        step = images_at_a_time(images.shape[-1])
        backwards = self.loadings / np.square(self.loadings).sum(axis=0).clip(min=1e-12)
        parts = [
            (to_float(images[start : start + step]) - self.mean).reshape(-1, self.mean.size) @ backwards
            for start in range(0, len(images), step)
        ]
        return np.concatenate(parts)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """z (N, D) -> images (N, C, S, S), float32 in [0, 1]."""
        return (self.mean + (z @ self.loadings.T).reshape(-1, *self.mean.shape)).clip(0, 1)
