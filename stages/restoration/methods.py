"""The ways to restore an observation that the tables compare, run side by side."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.compute import Compute
from stages.pipeline.params import Invert, MapSearch, Search
from stages.pipeline.seeding import numpy_stream
from stages.restoration.curvature import curvatures, evenly
from stages.restoration.norms import NORMS, norm_objective
from stages.restoration.objective import Generate, Misfit, Objective, fit_misfit
from stages.restoration.observation import Observation, clean, masked
from stages.restoration.posterior import Chains, sample_posterior
from stages.restoration.search import (
    descend,
    draw_prior,
    least_squares_search,
    plain_search,
    screen,
    search_axes,
    usual_walk,
)

FIRST_MISFIT = Misfit(slope=0.02)  # to search with before there is an estimate
HELD_OUT = 0.1  # share of validation pixels that are hidden to estimate the misfit
INVERSION_STARTS = 3  # explored ones that go on to the walks of an inversion
CURVATURE_STARTS = 2  # best explored ones over which the curvature is averaged, so that steps suit both


def restore(
    generate: Generate,  # frozen; codes -> images, on the compute's device
    observation: Observation,  # of N images
    *,
    latent_dim: int,
    misfit: Misfit,
    search: Search,  # the settings of all methods
    seed: int,
    compute: Compute,
) -> dict[str, np.ndarray]:
    """Images of each method, `<method>` (N, C, H, W), float32, and codes of those that end in one, `<method>_codes`.

    plain is the textbook recipe, map the most probable code, posterior_mean the mean of x given y; what else comes with
    it is told by `sample_posterior`. The images of plain and map are G(z) itself, known pixels too.
    """
    objective, common = Objective(observation, misfit.data_term), {"seed": seed, "compute": compute}
    found = explore(generate, objective, latent_dim=latent_dim, misfit=misfit, settings=search.map, **common)
    codes = {
        "plain": _plain_search(generate, observation, latent_dim, search, seed, compute),
        "map": _refine(generate, objective, found, search.map, compute),
    }
    samples = sample_posterior(
        generate,
        observation,
        found.starts,
        information=found.information,
        misfit=misfit,
        chains=Chains(**dict(search.posterior)),
        **common,
    )
    return _draw_all(generate, codes, compute) | samples


def invert(
    generate: Generate,
    images: np.ndarray,  # (N, C, H, W), float32 in [0, 1]
    *,
    latent_dim: int,
    misfit: Misfit,  # of fitted pixels
    search: Search,
    settings: Invert,
    seed: int,
    compute: Compute,
) -> dict[str, np.ndarray]:
    """As `restore`, for images seen whole and without noise: plain, map, and whitened.

    The last goes on from the starts that map explored. It looks for the least squared error and does not mind how
    likely a code is.
    """
    observation = clean(images)
    codes = {"plain": _plain_search(generate, observation, latent_dim, search, seed, compute, settings.patience)}
    objective, common = Objective(observation, misfit.data_term), {"seed": seed, "compute": compute}
    found = explore(generate, objective, latent_dim=latent_dim, misfit=misfit, settings=search.map, **common)
    codes["map"] = _refine(generate, objective, found, search.map, compute)
    walks = [usual_walk(search.map, steps) for steps in settings.walks]
    codes["whitened"] = least_squares_search(generate, observation, found.starts[:, :INVERSION_STARTS], walks, compute)
    return _draw_all(generate, codes, compute)


def measure_misfit(
    generate: Generate,
    images: np.ndarray,  # (N, C, H, W), float32 in [0, 1]: validation images, unseen by training and by all tables
    *,
    latent_dim: int,
    search: Search,
    seed: int,
    compute: Compute,
) -> tuple[Misfit, Misfit]:
    """What the generator cannot draw, of any pixels and of fitted ones (see `fit_misfit`).

    From a search that saw most pixels of the images, and not the others.
    """
    seen = numpy_stream(seed, "pixels held out").random(images[:, :1].shape) >= HELD_OUT
    objective = Objective(masked(images, seen), FIRST_MISFIT.data_term)
    common = {"latent_dim": latent_dim, "settings": search.map, "seed": seed, "compute": compute}
    found = explore(generate, objective, misfit=FIRST_MISFIT, **common)
    return fit_misfit(images, draw(generate, _refine(generate, objective, found, search.map, compute), compute), seen)


def typical_misfit(generate: Generate, misfit: Misfit, latent_dim: int, seed: int, compute: Compute) -> float:
    """The misfit's variance, averaged over the pixels of 256 prior samples."""
    images = draw(generate, draw_prior(256, latent_dim, seed), compute)
    return float(misfit.variance(torch.from_numpy(images)).mean())


def compare_norms(
    generate: Generate,
    observation: Observation,  # of N images
    *,
    latent_dim: int,
    misfit: Misfit,
    mean_misfit: float,
    settings: MapSearch,
    seed: int,
    compute: Compute,
) -> dict[str, np.ndarray]:
    """The most probable images under each data term, `<norm>, prior off` and `<norm>, prior on` (N, C, H, W)."""
    restored = {}
    common = {"latent_dim": latent_dim, "misfit": misfit, "settings": settings, "seed": seed, "compute": compute}
    for norm in NORMS:
        for prior in (False, True):
            objective = norm_objective(norm, prior, observation, misfit, mean_misfit)
            best = _refine(generate, objective, explore(generate, objective, **common), settings, compute)
            restored[f"{norm}, prior {'on' if prior else 'off'}"] = draw(generate, best, compute)
    return restored


@torch.no_grad()
def draw(generate: Generate, codes: np.ndarray, compute: Compute) -> np.ndarray:
    """G(z) for codes (N, latent_dim), outside autocast: images (N, C, H, W), float32."""
    batches = torch.from_numpy(codes).split(compute.search_batch)
    return torch.cat([generate(compute.place(batch)) for batch in batches]).cpu().contiguous().numpy()


def _draw_all(generate: Generate, codes: dict[str, np.ndarray], compute: Compute) -> dict[str, np.ndarray]:
    restored = {method: draw(generate, found, compute) for method, found in codes.items()}
    return restored | {f"{method}_codes": found for method, found in codes.items()}


def _plain_search(
    generate: Generate,
    observation: Observation,
    latent_dim: int,
    search: Search,
    seed: int,
    compute: Compute,
    patience: int = 1,
) -> np.ndarray:
    return plain_search(
        generate,
        observation,
        draw_prior(len(observation.y), latent_dim, seed),
        steps=patience * search.plain.steps,
        learning_rate=search.plain.learning_rate,
        compute=compute,
    )


@dataclass(frozen=True)
class Explored:
    """Where the search of N observations stands after all starts have been tried."""

    starts: np.ndarray  # (N, restarts, latent_dim), least energy first
    axes: Tensor  # (N, latent_dim, latent_dim): coordinates whitened at the best two
    information: Tensor  # (N, latent_dim, latent_dim): Fisher information of the code, there too


def explore(
    generate: Generate,
    objective: Objective,  # over N observations
    *,
    latent_dim: int,
    misfit: Misfit,
    settings: MapSearch,
    seed: int,
    compute: Compute,
) -> Explored:
    """Search a little from each of the best prior samples: by Adam, then in whitened coordinates."""
    observation = objective.observation
    samples = draw_prior(settings.samples, latent_dim, seed)
    starts = screen(generate, objective, samples, settings.restarts, compute)
    walk = usual_walk(settings, settings.explore_steps)
    starts, _ = descend(generate, objective, starts, walk, compute, "map search: explore")
    weights = [evenly, misfit.information]
    curvature, information = curvatures(generate, observation, starts[:, :CURVATURE_STARTS], weights, compute)
    axes = search_axes(curvature, observation, compute)
    walk = usual_walk(settings, settings.whitened_steps)
    starts, _ = descend(generate, objective, starts, walk, compute, "map search: whitened", axes)
    return Explored(starts, axes, information)


def _refine(
    generate: Generate, objective: Objective, explored: Explored, settings: MapSearch, compute: Compute
) -> np.ndarray:
    """Codes (N, latent_dim): the best start of each observation, searched to the end."""
    walk, starts = usual_walk(settings, settings.steps), explored.starts[:, :1]
    return descend(generate, objective, starts, walk, compute, "map search: best", explored.axes)[0][:, 0]
