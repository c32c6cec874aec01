"""What is seen of an image: y = mask * (x + sigma * noise).

Inversion, denoising and inpainting differ in nothing but their Observation: everything seen without noise, everything
seen with noise, a part seen without noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stages.pipeline.errors import UserError
from stages.pipeline.seeding import numpy_stream

INK = 0.05  # a window must hide at least this mean brightness, else there is nothing to restore


@dataclass(frozen=True)
class Observation:
    """A batch of observed images. `y` is never clipped or rounded: that would change the noise's distribution."""

    y: np.ndarray  # (N, C, H, W), float32; 0 where hidden
    mask: np.ndarray  # (N, 1, H, W), bool; True where known
    sigma: np.ndarray  # (N,), float32: standard deviation of the sensor noise, images being in [0, 1]

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


def stack(observations: Sequence[Observation]) -> Observation:
    """One batch from several, in their order."""
    return Observation(
        y=np.concatenate([observation.y for observation in observations]),
        mask=np.concatenate([observation.mask for observation in observations]),
        sigma=np.concatenate([observation.sigma for observation in observations]),
    )


def draw_windows(images: np.ndarray, holes: int, window: int, seed: int) -> np.ndarray:
    """A mask (N, 1, H, W), False in `holes` windows an image that do not overlap and each cover some ink.

    Every image and number of holes has a stream of its own, so other images or counts never move a window.
    Raises UserError when the windows do not fit.
    """
    mask = np.ones_like(images[:, :1], dtype=bool)
    if holes * window * window > mask[0].size or window > min(images.shape[2:]):
        raise UserError(f"inpaint: {holes} windows of {window}x{window} do not fit images of {images.shape[2:]}")
    ink = np.lib.stride_tricks.sliding_window_view(images.mean(axis=1), (window, window), axis=(1, 2)).mean(axis=(3, 4))
    for index in range(len(images)):
        stream = numpy_stream(seed, "windows", holes, index)
        for _ in range(100):  # a first window in the middle may leave no room for the next: start again
            if _place(mask[index, 0], np.argwhere(ink[index] >= INK), holes, window, stream):
                break
        else:
            raise UserError(f"inpaint: no room for {holes} windows of {window}x{window} over the ink of image {index}")
    return mask


def _place(mask: np.ndarray, corners: np.ndarray, holes: int, window: int, stream: np.random.Generator) -> bool:
    """Cut windows into `mask` (H, W) one after the other, each drawn evenly from the corners still free."""
    mask[:] = True
    for _ in range(holes):
        if not len(corners):
            return False
        row, column = stream.choice(corners)
        mask[row : row + window, column : column + window] = False
        corners = corners[(np.abs(corners - (row, column)) >= window).any(axis=1)]
    return True
