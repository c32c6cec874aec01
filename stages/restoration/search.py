"""Search of the latent space: from what is seen of an image to a code whose image explains it.

The textbook recipe is Adam on the L2 distance to the whole observed image, from one start. This project's search starts
from the most promising of many prior samples (Bora et al. 2017 restart too), and after a few steps lets Adam go on in
whitened coordinates (restoration/curvature.py). Adam's own scaling is one of single coordinates, but a generator's
curvature is far from diagonal: whitened, a tenth of the steps leaves the same error. Newton's own steps stall earlier,
presumably cut short by the kinks of the generator's ReLUs, over which Adam averages. The generator is known only as a
frozen function.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.compute import Compute
from stages.pipeline.params import MapSearch
from stages.pipeline.progress import Progress
from stages.pipeline.seeding import numpy_stream
from stages.restoration.curvature import curvatures, evenly, whiten
from stages.restoration.objective import Generate, Objective
from stages.restoration.observation import Observation

DAMPING = 0.1  # beside the squared error's curvature
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as its paper has them


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


def usual_walk(settings: MapSearch, steps: int) -> Walk:
    """So many steps as this project's searches take them."""
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


def search_axes(curvature: Tensor, observation: Observation, compute: Compute) -> Tensor:
    """Coordinates to search in, W of `whiten`, from the squared error's curvature (N, latent_dim, latent_dim).

    Damped, so that steps stay where the curvature was measured; under noise the prior's pull adds to it.
    """
    damping = DAMPING + compute.place(torch.from_numpy(observation.sigma)).square()
    return whiten(curvature + torch.diag_embed(damping[:, None].expand(curvature.shape[:2])))


def least_squares_search(
    generate: Generate,
    observation: Observation,  # of N images
    starts: np.ndarray,  # (N, R, latent_dim)
    walks: Sequence[Walk],
    compute: Compute,
) -> np.ndarray:
    """Minimise the squared error over known pixels, walk after walk, each whitened where the one before ended.

    After each walk the better half of an image's codes goes on, rounded down, at least one. Returns the best ones,
    (N, latent_dim), float32.
    """
    codes = starts
    for number, walk in enumerate(walks, 1):
        count, restarts, latent_dim = codes.shape
        every = observation.rows(np.arange(count).repeat(restarts))  # one for each code, which has axes of its own
        flat = codes.reshape(-1, 1, latent_dim)
        (curvature,) = curvatures(generate, every, flat, [evenly], compute)
        axes = search_axes(curvature, every, compute)
        objective, label = Objective(every, squared_error, prior=0.0), f"least squares {number}/{len(walks)}"
        flat, sums = descend(generate, objective, flat, walk, compute, label, axes)
        best = sums.reshape(count, restarts).argsort(axis=1, kind="stable")[:, : max(restarts // 2, 1)]
        codes = np.take_along_axis(flat.reshape(codes.shape), best[:, :, None], axis=1)
    return codes[:, 0]
