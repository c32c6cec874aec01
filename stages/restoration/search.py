"""Search of the latent space: from what is seen of an image to a code whose image explains it.

    z* = argmin_z  sum_known (G(z) - y)^2 / s^2 + ||z||^2

is the maximum a posteriori estimate (times two, up to constants) when z ~ N(0, I) and the known pixels differ from G(z)
by Gaussian noise of variance s^2 = sensor noise + the generator's own misfit (Bora et al. 2017, sec. 3, with the weight
of the prior derived instead of tuned). The generator is known only as a frozen function z -> images.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.compute import Compute
from stages.pipeline.progress import Progress
from stages.pipeline.seeding import numpy_stream
from stages.restoration.observation import Observation

Generate = Callable[[Tensor], Tensor]  # codes (N, latent_dim) -> images (N, C, H, W) in [0, 1]


def draw_starts(count: int, restarts: int, latent_dim: int, seed: int) -> np.ndarray:
    """Starting codes (count, restarts, latent_dim), float32, from the prior; more of either add to the first ones."""
    size = (count, latent_dim)
    draws = [numpy_stream(seed, "restarts", index).standard_normal(size, np.float32) for index in range(restarts)]
    return np.stack(draws, axis=1)


def plain_search(
    generate: Generate,
    observation: Observation,  # of N images; its mask and sigma are not used: that is what makes it plain
    starts: np.ndarray,  # (N, latent_dim)
    *,
    steps: int,  # of Adam
    learning_rate: float,  # constant
    compute: Compute,
) -> np.ndarray:
    """The textbook recipe: minimise the L2 distance to the whole observed image, holes included, from one start.

    Returns codes (N, latent_dim), float32: the last iterate.
    """
    everything = np.ones_like(observation.mask)
    objective = _Objective(observation.y, everything, np.ones_like(observation.sigma), prior=0.0)
    walk = _Walk(steps, learning_rate, ramp_down=0.0, keep_best=False)
    codes, _ = _descend(generate, objective, starts[:, None], walk, compute, "plain search")
    return codes[:, 0]


def map_search(
    generate: Generate,
    observation: Observation,  # of N images
    starts: np.ndarray,  # (N, R, latent_dim)
    *,
    misfit: float,  # variance, a pixel, of what the generator cannot represent
    explore_steps: int,  # of Adam from each start, before the best one of each image goes on alone
    steps: int,  # of Adam from there
    learning_rate: float,  # until the ramp
    ramp_down: float,  # last share of the steps, over which the rate falls to zero
    compute: Compute,
) -> np.ndarray:
    """The most probable code given the known pixels: best iterate of the best start by the objective itself.

    Returns codes (N, latent_dim), float32. Hidden pixels of y are never read.
    """
    objective = _Objective(observation.y, observation.mask, observation.sigma**2 + np.float32(misfit), prior=1.0)
    explore = _Walk(explore_steps, learning_rate, ramp_down=0.0, keep_best=True)
    codes, values = _descend(generate, objective, starts, explore, compute, "map search, all starts")
    winners = codes[np.arange(len(codes)), values.argmin(axis=1)]
    refine = _Walk(steps, learning_rate, ramp_down, keep_best=True)
    codes, _ = _descend(generate, objective, winners[:, None], refine, compute, "map search, best start")
    return codes[:, 0]


@dataclass(frozen=True)
class _Objective:
    """sum_known (G(z) - y)^2 / variance + prior ||z||^2 of each code, a sum over pixels and never over the batch."""

    y: np.ndarray  # (N, C, H, W)
    mask: np.ndarray  # (N, 1, H, W)
    variance: np.ndarray  # (N,)
    prior: float  # weight of ||z||^2

    def batch(self, owner: Tensor, compute: Compute) -> Callable[[Tensor, Tensor], Tensor]:
        """The objective of codes that belong to the images `owner` (M,): (codes, images) -> values (M,)."""
        y, mask, variance = (
            compute.place(torch.from_numpy(array)[owner]) for array in (self.y, self.mask, self.variance)
        )

        def values(codes: Tensor, images: Tensor) -> Tensor:
            residual = torch.where(mask, images - y, 0.0)  # not a product: hidden values may be anything, NaN too
            return residual.square().sum(dim=(1, 2, 3)) / variance + self.prior * codes.square().sum(dim=1)

        return values


@dataclass(frozen=True)
class _Walk:
    """How Adam walks."""

    steps: int
    learning_rate: float
    ramp_down: float  # share of the steps, at the end, over which the rate falls to zero along a cosine
    keep_best: bool  # return each code's best iterate instead of its last

    def rate(self, step: int) -> float:
        ramp = self.ramp_down * self.steps
        into_ramp = step - (self.steps - ramp)
        if into_ramp <= 0:
            return self.learning_rate
        return self.learning_rate * (1 + math.cos(math.pi * into_ramp / ramp)) / 2


def _descend(
    generate: Generate,
    objective: _Objective,  # over N images
    starts: np.ndarray,  # (N, R, latent_dim)
    walk: _Walk,
    compute: Compute,
    label: str,  # for the progress bar
) -> tuple[np.ndarray, np.ndarray]:
    """Adam from every start of every image: codes (N, R, latent_dim) and their objectives (N, R).

    Adam and the objective work code by code, so nothing that shares a batch influences a result.
    """
    count, restarts, latent_dim = starts.shape
    flat = torch.from_numpy(np.ascontiguousarray(starts)).view(count * restarts, latent_dim)
    owner = torch.arange(count).repeat_interleave(restarts)  # which image each start belongs to
    batches = torch.arange(len(flat)).split(compute.search_batch)
    progress = Progress(label, walk.steps * len(batches))
    found = []
    for batch in batches:
        values = objective.batch(owner[batch], compute)
        found.append(_descend_batch(generate, values, compute.place(flat[batch]), walk, compute, progress))
    codes, best = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    return codes.reshape(starts.shape), best.reshape(count, restarts)


def _descend_batch(
    generate: Generate,
    values: Callable[[Tensor, Tensor], Tensor],  # (codes, images) -> (M,)
    starts: Tensor,  # (M, latent_dim)
    walk: _Walk,
    compute: Compute,
    progress: Progress,
) -> tuple[Tensor, Tensor]:
    """codes (M, latent_dim) and objectives (M,) of one batch."""

    def evaluate(codes: Tensor) -> Tensor:
        with compute.autocast():
            images = generate(codes)
        return values(codes, images)

    codes = starts.clone().requires_grad_()
    adam = torch.optim.Adam([codes], fused=True)
    best_codes = starts.clone()
    best = torch.full((len(codes),), math.inf, device=codes.device)
    for step in range(walk.steps):
        value = evaluate(codes)
        if walk.keep_best:
            better = value.detach() < best
            best = torch.where(better, value.detach(), best)
            best_codes = torch.where(better[:, None], codes.detach(), best_codes)
        adam.param_groups[0]["lr"] = walk.rate(step)
        adam.zero_grad()
        value.sum().backward()
        adam.step()
        progress.advance()
    if walk.keep_best:
        return best_codes, best
    with torch.no_grad():
        return codes.detach(), evaluate(codes)
