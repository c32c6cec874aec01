"""What a search minimises: how badly an image explains an observation, plus how unlikely its code is.

    energy(z) = sum over known pixels of  data_term(G(z) - y)  +  ||z||^2 / 2

With the data term of `Misfit` that is minus the logarithm of the posterior p(z | y), up to a constant, for the model

    y = mask * (x + sigma * noise),   x = G(z) + e,   e ~ N(0, v(G(z))),   z ~ N(0, I)

where e is what the generator cannot draw. What is left of digits after inversion is as good as white but sits on the
edges of strokes: its variance grows with the brightness g like sqrt(g (1 - g)), by orders of magnitude. A plain L2
distance, which takes every pixel to be as uncertain as any other, trusts edges too much and paper too little.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.compute import Compute
from stages.restoration.observation import Observation

Generate = Callable[[Tensor], Tensor]  # codes (N, latent_dim) -> images (N, C, H, W) in [0, 1]
DataTerm = Callable[[Tensor, Tensor, Tensor], Tensor]  # residuals, images, sensor variances -> a value for each pixel

FLOOR = 5e-4  # variance of the darkest and brightest pixels' misfit; smaller ones would outweigh all others


@dataclass(frozen=True)
class Misfit:
    """The variance v(g) of what a generator cannot draw at a pixel that it draws with brightness g."""

    slope: float  # v(g) = FLOOR + slope sqrt(g (1 - g))

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


def _spread(images: Tensor) -> Tensor:
    """sqrt(g (1 - g)), kept off 0 where its slope is infinite."""
    return (images * (1 - images)).clamp(min=1e-8).sqrt()


def fit_misfit(images: np.ndarray, drawn: np.ndarray, seen: np.ndarray) -> tuple[Misfit, Misfit]:
    """v(g), and the smaller v(g) of pixels that were fitted, from G(z) of codes searched on the pixels `seen` alone.

    images, drawn (N, C, H, W), seen (N, 1, H, W). Pixels that were searched on are fitted too well, hidden ones too
    badly, as in any regression: with k parameters and n pixels, by the factors 1 - k/n and (for many pixels)
    1 / (1 - k/n). Their geometric mean is what the model leaves. FLOOR, a safeguard, is not taken off what is measured.
    """
    squared = np.square(images.astype(np.float64) - drawn)
    spread = np.sqrt(np.maximum(drawn * (1.0 - drawn), 0))
    slopes = [
        (squared[pixels] * spread[pixels]).sum() / np.square(spread[pixels]).sum()
        for pixels in (np.broadcast_to(seen, images.shape), np.broadcast_to(~seen, images.shape))
    ]
    return Misfit(float(math.sqrt(slopes[0] * slopes[1]))), Misfit(float(slopes[0]))


@dataclass(frozen=True)
class Objective:
    """The energy of codes that belong to N observations: a sum over pixels and never over the batch."""

    observation: Observation
    data_term: DataTerm
    prior: float = 1.0  # weight of ||z||^2 / 2; 0 switches the prior off

    def batch(self, owner: Tensor, compute: Compute) -> Callable[[Tensor, Tensor], Tensor]:
        """The energy of codes (M, latent_dim) with images (M, C, H, W) that belong to the observations `owner` (M,)."""
        y, mask, sensor = place_observation(self.observation, owner, compute)

        def energy(codes: Tensor, images: Tensor) -> Tensor:
            residual = torch.where(mask, images - y, 0.0)  # not a product: hidden values may be anything, NaN too
            terms = torch.where(mask, self.data_term(residual, images, sensor), 0.0)
            return terms.sum(dim=(1, 2, 3)) + self.prior / 2 * codes.square().sum(dim=1)

        return energy


def place_observation(observation: Observation, owner: Tensor, compute: Compute) -> tuple[Tensor, Tensor, Tensor]:
    """y (M, C, H, W), mask (M, 1, H, W) and sensor variance (M, 1, 1, 1) of the observations `owner` (M,)."""
    y, mask, sigma = (torch.from_numpy(array)[owner] for array in (observation.y, observation.mask, observation.sigma))
    return compute.place(y), compute.place(mask), compute.place(sigma.square()[:, None, None, None])


def flatten_chains(codes: np.ndarray) -> tuple[Tensor, Tensor]:
    """Codes (N, R, latent_dim) as (N R, latent_dim), and the observation that each belongs to, (N R,)."""
    count, restarts, latent_dim = codes.shape
    flat = torch.from_numpy(np.ascontiguousarray(codes)).view(count * restarts, latent_dim)
    return flat, torch.arange(count).repeat_interleave(restarts)
