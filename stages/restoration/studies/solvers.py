"""How fast which solver inverts: errors and PSNR against steps and seconds, and against the number of starts."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from stages.judging.image_quality import mse, psnr
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import Solvers
from stages.pipeline.progress import Progress
from stages.pipeline.storage import Row
from stages.restoration.latent.curvature import jacobian, jacobian_batch
from stages.restoration.latent.descent import descend, usual_walk
from stages.restoration.latent.objective import Generate, Objective, place_observation
from stages.restoration.latent.search import (
    LatentSearch,
    explore,
    least_squares_search,
    plain_search,
    squared_error,
)
from stages.restoration.observation import Observation, clean

FIRST_DAMPING = 0.01  # of a Newton step


def compare_solvers(search: LatentSearch, images: np.ndarray, walks: Sequence[int], lengths: Solvers) -> list[Row]:
    """Rows solver, steps, squared_error (a pixel), psnr and seconds (an image, starts included): means over images.

    The images (N, C, S, S), float32, are validation images; the prior's misfit is that of fitted pixels. Plain begins
    from a prior sample, the others from the best explored start; exploring is done once, and its time is in each of
    their rows. What follows is a run of its own for every row, since a rate that ramps down depends on where it ends.
    All minimise the squared error, but for exploring.
    """
    generate, compute, observation = search.prior.generate, search.compute, clean(images)
    walk = partial(usual_walk, search.settings.map)
    for _ in range(2):  # the first time warms up
        began = time.perf_counter()
        found = explore(search, search.objective(observation))
        exploring = time.perf_counter() - began
    explored = found.starts[:, :1]

    def plain(steps: int) -> np.ndarray:
        rate = search.settings.map.learning_rate
        return plain_search(search.with_plain(steps, rate), observation)

    def adam(steps: int) -> np.ndarray:
        least_squares = Objective(observation, squared_error, prior=0.0)
        return descend(generate, least_squares, explored, walk(steps), compute, "adam")[0][:, 0]

    def newton(steps: int) -> np.ndarray:
        return levenberg_marquardt(generate, observation, explored[:, 0], steps=steps, compute=compute)

    def whitened(number: int) -> np.ndarray:
        own = [walk(steps) for steps in walks[:number]]
        return least_squares_search(generate, observation, explored, own, compute)

    runs: list[tuple[str, int, Callable[[], np.ndarray]]] = []  # solver, steps, and the run that gives its codes
    runs += [("plain", steps, partial(plain, steps)) for steps in lengths.adam_steps]
    runs += [("adam", steps, partial(adam, steps)) for steps in lengths.adam_steps]
    runs += [("newton", steps, partial(newton, steps)) for steps in lengths.newton_steps]
    runs += [("whitened", steps, partial(whitened, number)) for number, steps in enumerate(accumulate(walks), 1)]
    rows: list[Row] = []
    for solver, steps, solve in runs:
        began = time.perf_counter()
        codes = solve()
        seconds = time.perf_counter() - began + (0 if solver == "plain" else exploring)
        error = mse(images, search.prior.draw(codes, compute))
        rows.append(
            {"solver": solver, "steps": steps, "squared_error": error.mean(), "psnr": psnr(error).mean()}
            | {"seconds": seconds / len(images)}
        )
    return rows


def best_of_restarts(
    search: LatentSearch, images: np.ndarray, walks: Sequence[int], restarts: Sequence[int]
) -> list[Row]:
    """Rows restarts and psnr, the mean over images of the start that ends with the least error among so many.

    The starts are prior samples in the order in which they were drawn, each searched a little by Adam and then as
    `least_squares_search` does.
    """
    generate, compute, count, most = search.prior.generate, search.compute, len(images), max(restarts)
    every = clean(images).rows(np.arange(count).repeat(most))
    starts = np.tile(search.draw_prior(most), (count, 1))[:, None]
    walk, objective = partial(usual_walk, search.settings.map), Objective(every, squared_error, prior=0.0)
    starts, _ = descend(generate, objective, starts, walk(search.settings.map.explore_steps), compute, "explore")
    codes = least_squares_search(generate, every, starts, [walk(steps) for steps in walks], compute)
    errors = mse(every.y, search.prior.draw(codes, compute)).reshape(count, most)
    return [{"restarts": number, "psnr": psnr(errors[:, :number].min(axis=1)).mean()} for number in restarts]


@torch.no_grad()
def levenberg_marquardt(
    generate: Generate,
    observation: Observation,  # of N images
    starts: np.ndarray,  # (N, latent_dim)
    *,
    steps: int,  # Jacobians, each of which serves two steps
    compute: Compute,
) -> np.ndarray:
    """Least squares over known pixels (Nocedal & Wright 2006, sec. 10.3): codes (N, latent_dim), float32.

    A step solves (J'J + damping I) step = -J'residual, and is taken only if it makes the sum of squares smaller. Taking
    a second one with the same J costs next to nothing and brings nearly as much (Shamanskii 1967).
    """
    found = []
    chunks = torch.arange(len(starts)).split(jacobian_batch(compute))
    progress = Progress("levenberg-marquardt", steps * len(chunks))
    for chunk in chunks:
        y, mask, _ = place_observation(observation, chunk, compute)
        codes = compute.place(torch.from_numpy(starts[chunk.numpy()]))
        found.append(_newton_steps(generate, y, mask, codes, steps, compute, progress).cpu())
    return torch.cat(found).numpy()


def _newton_steps(
    generate: Generate, y: Tensor, mask: Tensor, codes: Tensor, steps: int, compute: Compute, progress: Progress
) -> Tensor:
    identity = torch.eye(codes.shape[1], device=codes.device)
    known = mask.expand_as(y).flatten(1)[:, :, None]

    def evaluate(codes: Tensor) -> tuple[Tensor, Tensor]:
        residual = torch.where(mask, generate(codes) - y, 0.0).flatten(1)
        return residual, residual.square().sum(dim=1)

    residual, value = evaluate(codes)
    damping = torch.full_like(value, FIRST_DAMPING)
    for _ in range(steps):
        slopes = jacobian(generate, codes, compute) * known
        curvature = slopes.mT @ slopes
        for _ in range(2):
            gradient = torch.einsum("npd,np->nd", slopes, residual)
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
    return codes
