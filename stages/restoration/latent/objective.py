"""What a search minimises: how badly an image explains an observation, plus how unlikely its code is.

    energy(z) = sum over known pixels of  data_term(G(z) - y)  +  ||z||^2 / 2

With the data term of `Misfit` that is minus the logarithm of the posterior p(z | y), up to a constant, for the model

    y = mask * (x + sigma * noise),   x = G(z) + e,   e ~ N(0, v(G(z))),   z ~ N(0, I)

where e is what the generator cannot draw (misfit.py). A plain L2 distance, which takes every pixel to be as uncertain
as any other, gives too much weight to edges, where generators err, and too little to even areas.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.numerics.compute import Compute
from stages.restoration.observation import Observation

Generate = Callable[[Tensor], Tensor]  # codes (N, latent_dim) -> images (N, C, H, W) in [0, 1]
DataTerm = Callable[[Tensor, Tensor, Tensor], Tensor]  # residuals, images, sensor variances -> a value for each pixel


@dataclass(frozen=True)
class Objective:
    """The energy of codes that belong to N observations: a sum over pixels and never over the batch."""

    observation: Observation
    data_term: DataTerm
    prior: float = 1.0  # weight of ||z||^2 / 2; 0 switches the prior off

    def batch(self, owner: Tensor, compute: Compute) -> Callable[[Tensor, Tensor], Tensor]:
        """The energy of codes (M, latent_dim) with images (M, C, H, W) that belong to the observations `owner` (M,).

        All belong to one observation if `owner` has only one.
        """
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
