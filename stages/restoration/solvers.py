"""How fast which solver inverts: errors and PSNR against steps and seconds, and against the number of starts."""

import time
from collections.abc import Callable

import numpy as np

from stages.pipeline.compute import Compute
from stages.pipeline.params import MapSearch, Solvers
from stages.restoration.methods import draw
from stages.restoration.objective import Generate, Misfit, Objective
from stages.restoration.observation import clean
from stages.restoration.quality import mse, psnr
from stages.restoration.search import Walk, descend, draw_prior, newton_search, plain_search, screen


def compare_solvers(
    generate: Generate,
    images: np.ndarray,  # (N, C, H, W), float32 in [0, 1]: validation images
    *,
    latent_dim: int,
    misfit: Misfit,  # of fitted pixels
    settings: MapSearch,
    lengths: Solvers,
    seed: int,
    compute: Compute,
) -> list[dict[str, object]]:
    """Rows solver, steps, seconds (an image, starts included), squared_error (a pixel) and psnr: means over images.

    Every row is a run of its own, since a rate that ramps down depends on where it ends. All begin from the same start:
    plain and adam from a prior sample, the others from the best of `settings.samples`, explored by `settings`.
    """
    observation = clean(images)
    objective = Objective(observation, misfit.data_term)
    samples = draw_prior(max(settings.samples, len(images)), latent_dim, seed)

    def explored() -> np.ndarray:
        starts = screen(generate, objective, samples, settings.restarts, compute)
        return adam(starts, settings.explore_steps)[:, :1]

    def adam(starts: np.ndarray, steps: int) -> np.ndarray:
        walk = Walk(steps, settings.learning_rate, settings.ramp_down, keep_best=True)
        return descend(generate, objective, starts, walk, compute, "adam")[0]

    def newton(starts: np.ndarray, steps: int) -> np.ndarray:
        return newton_search(generate, observation, starts, steps=steps, compute=compute)

    def plain(steps: int) -> np.ndarray:
        rate = settings.learning_rate
        return plain_search(
            generate, observation, samples[: len(images)], steps=steps, learning_rate=rate, compute=compute
        )

    solvers: dict[str, tuple[Callable[[int], np.ndarray], list[int]]] = {
        "plain": (plain, lengths.adam_steps),
        "adam": (lambda steps: adam(samples[: len(images), None], steps)[:, 0], lengths.adam_steps),
        "adam, explored starts": (lambda steps: adam(explored(), steps)[:, 0], lengths.adam_steps),
        "newton": (lambda steps: newton(samples[: len(images), None], steps), lengths.newton_steps),
        "newton, explored starts": (lambda steps: newton(explored(), steps), lengths.newton_steps),
        "adam, then newton": (lambda steps: newton(adam(explored(), settings.steps), steps), lengths.newton_steps),
    }
    rows = []
    for solver, (solve, numbers) in solvers.items():
        for steps in numbers:
            start = time.perf_counter()
            codes = solve(steps)
            seconds = (time.perf_counter() - start) / len(images)
            error = mse(images, draw(generate, codes, compute))
            rows.append(
                {
                    "solver": solver,
                    "steps": steps,
                    "seconds": seconds,
                    "squared_error": error.mean(),
                    "psnr": psnr(error).mean(),
                }
            )
    return rows


def best_of_restarts(
    generate: Generate,
    images: np.ndarray,
    *,
    latent_dim: int,
    misfit: Misfit,
    settings: MapSearch,
    lengths: Solvers,
    seed: int,
    compute: Compute,
) -> list[dict[str, object]]:
    """Rows restarts and psnr, the mean over images of the start that ends with the least energy among so many.

    The starts are prior samples in the order in which they were drawn, searched by Adam for `settings.steps` each.
    """
    objective = Objective(clean(images), misfit.data_term)
    samples = draw_prior(max(lengths.restarts), latent_dim, seed)
    walk = Walk(settings.steps, settings.learning_rate, settings.ramp_down, keep_best=True)
    rows = []
    for restarts in lengths.restarts:
        starts = np.tile(samples[:restarts], (len(images), 1, 1))
        codes, _ = descend(generate, objective, starts, walk, compute, "restarts")
        rows.append({"restarts": restarts, "psnr": psnr(mse(images, draw(generate, codes[:, 0], compute))).mean()})
    return rows
