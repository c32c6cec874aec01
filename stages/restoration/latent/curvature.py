"""Curvature in the latent space, and coordinates in which it is the same in all directions.

A change of a code moves the image many times farther along some directions than along others. With J = dG/dz, the
Gauss-Newton approximation of a data term's Hessian is J' D J, where D is the data term's own curvature at each pixel
(Nocedal & Wright 2006, sec. 10.3). In coordinates u with z = W u and W W' = Hessian^-1 it is the identity: searches
and chains of samples take even steps there.
"""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.errors import UserError
from stages.pipeline.numerics.compute import Compute
from stages.restoration.latent.objective import Generate, flatten_chains, place_observation
from stages.restoration.observation import Observation

PixelWeights = Callable[[Tensor, Tensor], Tensor]  # images (M, C, H, W), sensor variances -> D at each pixel


def evenly(images: Tensor, _sensor: Tensor) -> Tensor:
    """D of half the sum of squares."""
    return torch.ones_like(images)


@torch.no_grad()
def curvatures(
    generate: Generate,
    observation: Observation,
    codes: np.ndarray,  # (N, M, latent_dim): some of each observation
    weigh: PixelWeights,
    compute: Compute,
) -> Tensor:
    """J' D J over known pixels, averaged over codes: (N, latent_dim, latent_dim)."""
    flat, owner = flatten_chains(codes)
    found = []
    for chunk in torch.arange(len(flat)).split(jacobian_batch(compute)):
        own = compute.place(flat[chunk])
        _, mask, sensor = place_observation(observation, owner[chunk], compute)
        images = generate(own)
        slopes = jacobian(generate, own, compute)
        known = torch.where(mask, weigh(images, sensor), 0.0).flatten(1)[:, :, None]
        found.append(slopes.mT @ (slopes * known))
    return torch.cat(found).view(*codes.shape[:2], codes.shape[2], codes.shape[2]).mean(dim=1)


def whiten(hessian: Tensor) -> Tensor:
    """W with W W' = hessian^-1, for positive definite matrices (N, latent_dim, latent_dim).

    Raises UserError if one is not, as where a generator's images overflow.
    """
    lower, failed = torch.linalg.cholesky_ex(hessian)
    if failed.any():
        raise UserError("search: the curvature of the generator's images is not finite: train the prior anew")
    upper = lower.mT
    identity = torch.eye(upper.shape[-1], device=upper.device)
    return torch.linalg.solve_triangular(upper, identity.expand_as(upper), upper=True)


def jacobian_batch(compute: Compute) -> int:
    """Codes whose Jacobians, with a column for each latent, are taken at a time."""
    return max(compute.search_batch // 16, 1)


@torch.no_grad()
def jacobian(generate: Generate, codes: Tensor, compute: Compute) -> Tensor:
    """dG/dz of codes (M, latent_dim): (M, pixels, latent_dim), float32, by forward mode.

    In bfloat16 where the hardware has it, a quarter of the time: the error of about 2 % bends coordinates and turns
    steps a little, and moves no minimum.
    """
    directions = torch.eye(codes.shape[1], device=codes.device)

    def along(direction: Tensor) -> Tensor:
        return torch.func.jvp(generate, (codes,), (direction.expand_as(codes),))[1]

    with compute.autocast(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch warns of a part of itself that its forward mode uses
        columns = torch.func.vmap(along)(directions)  # (latent_dim, M, C, H, W)
    return columns.flatten(2).permute(1, 2, 0).float()
