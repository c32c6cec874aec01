"""What a generator cannot draw of real images, as a model: the variance of the misfit e in x = G(z) + e.

What is left of digits after inversion is as good as white but sits on the edges of strokes: its variance grows with the
brightness g like sqrt(g (1 - g)), by orders of magnitude.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline import artifacts
from stages.pipeline.storage import Number, Writer, json_writer, load_numbers

FLOOR = 5e-4  # variance of the darkest and brightest pixels' misfit; smaller ones would outweigh all others
STEEPEST = 2.0  # a slope's bound: the variance of a pixel in [0, 1] is at most 1, where sqrt(g (1 - g)) is 1/2


@dataclass(frozen=True)
class Misfit:
    """The variance v(g) of what a generator cannot draw at a pixel that it draws with brightness g."""

    slope: float | Tensor  # v(g) = FLOOR + slope sqrt(g (1 - g)); a tensor while it is learned

    def variance(self, images: Tensor) -> Tensor:
        """v of each pixel of images in [0, 1]."""
        return FLOOR + self.slope * _spread(images)

    def data_term(self, residual: Tensor, images: Tensor, sensor: Tensor) -> Tensor:
        """Minus the logarithm of N(residual; 0, v(G(z)) + sensor), up to a constant."""
        variance = self.variance(images) + sensor
        return (residual.square() / variance + variance.log()) / 2

    def information(self, images: Tensor, sensor: Tensor) -> Tensor:
        """Fisher information that each pixel has of its own brightness: 1/s + (s'/s)^2 / 2 for s = v(g) + sensor."""
        variance = self.variance(images) + sensor
        change = self.slope * (1 - 2 * images) / (2 * _spread(images))
        return 1 / variance + (change / variance).square() / 2

    def complete(self, images: Tensor, y: Tensor, mask: Tensor, sensor: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of x given G(z) = images and the observation: a Wiener filter of the residual.

        Hidden pixels keep G(z) and v; pixels seen without noise are what was seen.
        """
        variance = self.variance(images)
        gain = torch.where(mask, variance / (variance + sensor), 0.0)
        return torch.lerp(images, torch.where(mask, y, images), gain), variance * (1 - gain)


def misfit_writer(misfit: Misfit, fitted: Misfit) -> Writer:
    """A file of what `measure_misfit` found."""
    return json_writer({"slope": misfit.slope, "fitted_slope": fitted.slope})


def load_misfit(prior: str) -> tuple[Misfit, Misfit]:
    """The misfit of any pixels and of fitted ones. Raises UserError for a missing or damaged file."""
    slope = Number(low=0, high=STEEPEST)
    numbers = load_numbers(artifacts.misfit(prior), {"slope": slope, "fitted_slope": slope})
    return Misfit(numbers["slope"]), Misfit(numbers["fitted_slope"])


def _spread(images: Tensor) -> Tensor:
    """sqrt(g (1 - g)), kept off 0 where its slope is infinite."""
    return (images * (1 - images)).clamp(min=1e-8).sqrt()


def fit_misfit(images: np.ndarray, drawn: np.ndarray, seen: np.ndarray) -> tuple[Misfit, Misfit]:
    """v(g), and the smaller v(g) of pixels that were fitted, from G(z) of codes searched on the pixels `seen` alone.

    images, drawn (N, C, H, W), seen (N, 1, H, W). Pixels that were searched on are fitted too well, hidden ones too
    badly, as in any regression: with k parameters and n pixels, by the factors 1 - k/n and (for many pixels)
    1 / (1 - k/n). Their geometric mean is what the model leaves. FLOOR, a safeguard, is not taken off what is measured.
    A slope is at most STEEPEST, however little but black a generator draws.
    """
    squared = np.square(images.astype(np.float64) - drawn)
    spread = np.sqrt(np.maximum(drawn * (1.0 - drawn), 0))
    slopes = [
        (squared[pixels] * spread[pixels]).sum() / max(np.square(spread[pixels]).sum(), np.finfo(float).tiny)
        for pixels in (np.broadcast_to(seen, images.shape), np.broadcast_to(~seen, images.shape))
    ]
    both, fitted = float(math.sqrt(slopes[0] * slopes[1])), float(slopes[0])
    return Misfit(min(both, STEEPEST)), Misfit(min(fitted, STEEPEST))
