"""Search of the latent space: from what is seen of an image to a code whose image explains it.

The textbook recipe is Adam on the L2 distance to the whole observed image, from one start. The `map` search minimises
the energy of restoration/objective.py from the most promising of many prior samples (Bora et al. 2017 restart too), and
`newton_search` ends an inversion where first-order steps crawl. The generator is known only as a frozen function.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.compute import Compute
from stages.pipeline.progress import Progress
from stages.pipeline.seeding import numpy_stream
from stages.restoration.objective import Generate, Objective, place_observation
from stages.restoration.observation import Observation

NEWTON_PRIOR = 1e-4  # weight of ||z||^2 beside a sum of squared errors
FIRST_DAMPING = 0.01  # of a Newton step, beside a curvature of 1 to 100 in most directions


def draw_prior(count: int, latent_dim: int, seed: int) -> np.ndarray:
    """Prior samples (count, latent_dim), float32, that searches start from; more of them add to the first ones."""
    return numpy_stream(seed, "starts").standard_normal((count, latent_dim), np.float32)


def squared_error(residual: Tensor, _images: Tensor, _sensor: Tensor) -> Tensor:
    """The data term of plain least squares."""
    return residual.square()


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
    everything = Observation(observation.y, np.ones_like(observation.mask), observation.sigma)
    objective = Objective(everything, squared_error, prior=0.0)
    walk = Walk(steps, learning_rate, ramp_down=0.0, keep_best=False)
    codes, _ = descend(generate, objective, starts[:, None], walk, compute, "plain search")
    return codes[:, 0]


@torch.no_grad()
def screen(
    generate: Generate,
    objective: Objective,  # over N observations
    samples: np.ndarray,  # (M, latent_dim), from the prior, the same for every observation
    restarts: int,
    compute: Compute,
) -> np.ndarray:
    """For each observation the `restarts` samples of least energy, best first: starts (N, restarts, latent_dim)."""
    codes = compute.place(torch.from_numpy(samples))
    with compute.autocast():
        images = torch.cat([generate(batch) for batch in codes.split(compute.search_batch)])
    best = []
    for index in range(len(objective.observation.y)):
        energies = objective.batch(torch.full((len(samples),), index), compute)(codes, images)
        best.append(energies.argsort(stable=True)[:restarts])
    return samples[torch.stack(best).cpu().numpy()]


@dataclass(frozen=True)
class Walk:
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


def descend(
    generate: Generate,
    objective: Objective,  # over N observations
    starts: np.ndarray,  # (N, R, latent_dim)
    walk: Walk,
    compute: Compute,
    label: str,  # for the progress bar
) -> tuple[np.ndarray, np.ndarray]:
    """Adam from every start of every observation: codes (N, R, latent_dim) and energies (N, R), each R best first.

    Adam and the objective work code by code, so nothing that shares a batch influences a result.
    """
    flat, owner = flatten_chains(starts)
    batches = torch.arange(len(flat)).split(compute.search_batch)
    progress = Progress(label, walk.steps * len(batches))
    found = []
    for batch in batches:
        energy = objective.batch(owner[batch], compute)
        found.append(_descend_batch(generate, energy, compute.place(flat[batch]), walk, compute, progress))
    codes, energies = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    codes, energies = codes.reshape(starts.shape), energies.reshape(starts.shape[:2])
    order = energies.argsort(axis=1, kind="stable")
    return np.take_along_axis(codes, order[:, :, None], axis=1), np.take_along_axis(energies, order, axis=1)


def flatten_chains(codes: np.ndarray) -> tuple[Tensor, Tensor]:
    """Codes (N, R, latent_dim) as (N R, latent_dim), and the observation that each belongs to, (N R,)."""
    count, restarts, latent_dim = codes.shape
    flat = torch.from_numpy(np.ascontiguousarray(codes)).view(count * restarts, latent_dim)
    return flat, torch.arange(count).repeat_interleave(restarts)


def _descend_batch(
    generate: Generate,
    energy: Callable[[Tensor, Tensor], Tensor],  # (codes, images) -> (M,)
    starts: Tensor,  # (M, latent_dim)
    walk: Walk,
    compute: Compute,
    progress: Progress,
) -> tuple[Tensor, Tensor]:
    """codes (M, latent_dim) and energies (M,) of one batch."""

    def evaluate(codes: Tensor) -> Tensor:
        with compute.autocast():
            images = generate(codes)
        return energy(codes, images)

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


@torch.no_grad()
def jacobian(generate: Generate, codes: Tensor, compute: Compute) -> Tensor:
    """dG/dz of codes (M, latent_dim): (M, pixels, latent_dim), by forward mode.

    In bfloat16 where the hardware has it, a quarter of the time: the error of about 2 % turns a step's direction a
    little, while residuals, which decide where steps end, are float32.
    """
    directions = torch.eye(codes.shape[1], device=codes.device)

    def along(direction: Tensor) -> Tensor:
        return torch.func.jvp(generate, (codes,), (direction.expand_as(codes),))[1]

    with compute.autocast(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch warns of a part of itself that its forward mode uses
        columns = torch.func.vmap(along)(directions)  # (latent_dim, M, C, H, W)
    return columns.flatten(2).permute(1, 2, 0).float()


@torch.no_grad()
def newton_search(
    generate: Generate,
    observation: Observation,  # of N images
    starts: np.ndarray,  # (N, R, latent_dim)
    *,
    steps: int,  # Jacobians, each of which serves two steps
    compute: Compute,
) -> np.ndarray:
    """Levenberg-Marquardt on the sum over known pixels of (G(z) - y)^2 (Nocedal & Wright 2006, sec. 10.3).

    A step solves (J'J + damping I) step = -gradient, and is taken only if it makes the sum smaller. Taking a second one
    with the same J costs next to nothing and brings nearly as much (Shamanskii 1967). A tiny weight on ||z||^2 decides
    what the image does not. Returns the best code of each image, (N, latent_dim), float32.
    """
    flat, owner = flatten_chains(starts)
    found, sums = [], []
    chunks = torch.arange(len(flat)).split(max(compute.search_batch // 8, 1))  # a Jacobian has as many columns as z
    progress = Progress("newton search", steps * len(chunks))
    for chunk in chunks:
        y, mask, _ = place_observation(observation, owner[chunk], compute)
        codes, value = _newton_chunk(generate, y, mask, compute.place(flat[chunk]), steps, compute, progress)
        found.append(codes.cpu())
        sums.append(value.cpu())
    best = torch.cat(sums).view(starts.shape[:2]).argmin(dim=1)
    return torch.cat(found).view(starts.shape)[torch.arange(len(starts)), best].numpy()


def _newton_chunk(
    generate: Generate, y: Tensor, mask: Tensor, codes: Tensor, steps: int, compute: Compute, progress: Progress
) -> tuple[Tensor, Tensor]:
    """Codes (M, latent_dim) and the sums that they reach, (M,)."""
    identity = torch.eye(codes.shape[1], device=codes.device)
    known = mask.expand_as(y).flatten(1)[:, :, None]

    def evaluate(codes: Tensor) -> tuple[Tensor, Tensor]:
        residual = torch.where(mask, generate(codes) - y, 0.0).flatten(1)
        return residual, residual.square().sum(dim=1) + NEWTON_PRIOR * codes.square().sum(dim=1)

    residual, value = evaluate(codes)
    damping = torch.full_like(value, FIRST_DAMPING)
    for _ in range(steps):
        slopes = jacobian(generate, codes, compute) * known
        curvature = slopes.mT @ slopes + NEWTON_PRIOR * identity
        for _ in range(2):
            gradient = torch.einsum("npd,np->nd", slopes, residual) + NEWTON_PRIOR * codes
            # Where this fails the step is no improvement: it is refused, and the damping grows.
            factor, _ = torch.linalg.cholesky_ex(curvature + damping[:, None, None] * identity)
            step = torch.cholesky_solve(-gradient[:, :, None], factor).squeeze(2)
            new_residual, new_value = evaluate(codes + step)
            better = new_value < value
            codes = torch.where(better[:, None], codes + step, codes)
            residual = torch.where(better[:, None], new_residual, residual)
            value = torch.where(better, new_value, value)
            damping = torch.where(better, damping / 2, damping * 2).clamp(1e-7, 1e7)
        progress.advance()
    return codes, value
