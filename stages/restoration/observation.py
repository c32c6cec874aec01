"""What is seen of an image: y = mask * (x + sigma * noise).

Inversion, denoising and inpainting differ in nothing but their Observation: everything seen without noise, everything
seen with noise, a part seen without noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stages.pipeline.numerics.streams import numpy_stream


@dataclass(frozen=True)
class Observation:
    """A batch of observed images. `y` is never clipped or rounded: that would change the noise's distribution."""

    y: np.ndarray  # (N, C, H, W), float32; 0 where hidden
    mask: np.ndarray  # (N, 1, H, W), bool; True where known
    sigma: np.ndarray  # (N,), float32: standard deviation of the sensor noise, images being in [0, 1]

    @property
    def certain(self) -> np.ndarray:
        """The pixels (N, 1, H, W) that are seen without noise."""
        return self.mask & (self.sigma == 0)[:, None, None, None]

    def rows(self, indices: np.ndarray) -> "Observation":
        """The observations of these indices, in their order, each as often as it is named."""
        return Observation(self.y[indices], self.mask[indices], self.sigma[indices])


def clean(images: np.ndarray) -> Observation:
    """Everything seen, no noise: inversion. images (N, C, H, W), float32 in [0, 1]."""
    return masked(images, np.ones_like(images[:, :1], dtype=bool))


def noisy(images: np.ndarray, sigma: float, seed: int) -> Observation:
    """Everything seen under Gaussian noise. Every sigma scales the same draw, so noise levels are paired."""
    noise = numpy_stream(seed, "noise").standard_normal(images.shape, dtype=np.float32)
    seen = clean(images)
    return replace(seen, y=images + np.float32(sigma) * noise, sigma=np.full_like(seen.sigma, sigma))


def masked(images: np.ndarray, mask: np.ndarray) -> Observation:
    """The pixels of `mask` (N, 1, H, W) seen without noise, the others not at all."""
    return Observation(np.where(mask, images, np.float32(0)), mask, np.zeros(len(images), dtype=np.float32))


def salt_and_pepper(images: np.ndarray, share: float, seed: int) -> Observation:
    """Every pixel black with probability share / 2 and white with as much.

    The search is not told which pixels are wrong, so it gets sigma = 0 and a mask that hides nothing.
    """
    draw = numpy_stream(seed, "salt and pepper").random(images[:, :1].shape)
    y = np.where(draw < share / 2, 0, np.where(draw < share, 1, images)).astype(np.float32)
    return replace(clean(images), y=y)


def stack(observations: Sequence[Observation]) -> Observation:
    """One batch from several, in their order."""
    return Observation(
        y=np.concatenate([observation.y for observation in observations]),
        mask=np.concatenate([observation.mask for observation in observations]),
        sigma=np.concatenate([observation.sigma for observation in observations]),
    )
