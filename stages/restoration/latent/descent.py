"""Adam in the latent space, from many starts of many observations at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import MapSearch
from stages.pipeline.progress import Progress
from stages.restoration.latent.objective import Generate, Objective

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as its paper has them


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


def usual_walk(settings: MapSearch, steps: int) -> Walk:
    """A walk of this many steps, with this project's usual settings."""
    return Walk(steps, settings.learning_rate, settings.ramp_down, keep_best=True)


def descend(
    generate: Generate,
    objective: Objective,  # over N observations
    starts: np.ndarray,  # (N, R, latent_dim)
    walk: Walk,
    compute: Compute,
    label: str,  # for the progress bar
    axes: Tensor | None = None,  # (N, latent_dim, latent_dim), of `search_axes`: the coordinates that Adam walks in
) -> tuple[np.ndarray, np.ndarray]:
    """Adam from every start of every observation: codes (N, R, latent_dim) and energies (N, R), each R best first.

    Adam and the objective work code by code, so nothing that shares a batch influences a result.
    """
    count, restarts = starts.shape[:2]
    batches = torch.arange(count).split(max(compute.search_batch // restarts, 1))
    progress = Progress(label, walk.steps * len(batches))
    found = []
    for batch in batches:
        energy = objective.batch(batch.repeat_interleave(restarts), compute)
        own = compute.place(torch.from_numpy(starts[batch.numpy()]))
        own_axes = None if axes is None else axes[batch]
        found.append(_descend_batch(generate, energy, own, own_axes, walk, compute, progress))
    codes, energies = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    order = energies.argsort(axis=1, kind="stable")
    return np.take_along_axis(codes, order[:, :, None], axis=1), np.take_along_axis(energies, order, axis=1)


def _descend_batch(
    generate: Generate,
    energy: Callable[[Tensor, Tensor], Tensor],  # (codes, images) -> (B R,)
    starts: Tensor,  # (B, R, latent_dim)
    axes: Tensor | None,  # (B, latent_dim, latent_dim)
    walk: Walk,
    compute: Compute,
    progress: Progress,
) -> tuple[Tensor, Tensor]:
    """codes (B, R, latent_dim) and energies (B, R) of one batch."""

    def evaluate(move: Tensor) -> tuple[Tensor, Tensor]:
        codes = move if axes is None else starts + move @ axes.mT
        with compute.autocast():
            images = generate(codes.flatten(0, 1))
        return codes.detach(), energy(codes.flatten(0, 1), images).view(codes.shape[:2])

    move = (starts.clone() if axes is None else torch.zeros_like(starts)).requires_grad_()
    average, square = torch.zeros_like(move), torch.zeros_like(move)
    best_codes = starts
    best = torch.full(starts.shape[:2], math.inf, device=starts.device)
    for step in range(walk.steps):
        codes, value = evaluate(move)
        if walk.keep_best:
            better = value.detach() < best
            best = torch.where(better, value.detach(), best)
            best_codes = torch.where(better[:, :, None], codes, best_codes)
            if step == walk.steps - 1:
                progress.advance()
                break  # what comes after the last step would not be evaluated, so it could not be kept
        (gradient,) = torch.autograd.grad(value.sum(), move)
        # Adam (Kingma & Ba 2015, algorithm 1). Torch's own imports its compiler: a second of each search stage.
        average.lerp_(gradient, 1 - BETA1)
        square.lerp_(gradient.square(), 1 - BETA2)
        scale = (square / (1 - BETA2 ** (step + 1))).sqrt_().add_(EPSILON)
        with torch.no_grad():
            move.addcdiv_(average, scale, value=-walk.rate(step) / (1 - BETA1 ** (step + 1)))
        progress.advance()
    if walk.keep_best:
        return best_codes, best
    with torch.no_grad():
        return evaluate(move)
