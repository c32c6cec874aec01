"""The ways to restore an observation that the tables compare, run side by side."""

import numpy as np
import torch

from stages.pipeline.compute import Compute
from stages.pipeline.params import MapSearch, Search
from stages.pipeline.seeding import numpy_stream
from stages.restoration.norms import NORMS, norm_objective
from stages.restoration.objective import Generate, Misfit, Objective, fit_misfit
from stages.restoration.observation import Observation, clean, masked
from stages.restoration.posterior import Chains, sample_posterior
from stages.restoration.search import Walk, descend, draw_prior, newton_search, plain_search, screen

FIRST_MISFIT = Misfit(slope=0.02)  # to search with before there is an estimate
HELD_OUT = 0.1  # share of validation pixels that are hidden to estimate the misfit
FINALISTS = 2  # starts of an inversion that are searched to the end


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
    objective = Objective(observation, misfit.data_term)
    starts, best = _search_best(generate, objective, latent_dim, search.map, seed, compute)
    codes = {"plain": _plain_search(generate, observation, latent_dim, search, seed, compute), "map": best[:, 0]}
    samples = sample_posterior(
        generate,
        observation,
        starts,
        misfit=misfit,
        chains=Chains(**dict(search.posterior)),
        seed=seed,
        compute=compute,
    )
    return _draw_all(generate, codes, compute) | samples


def invert(
    generate: Generate,
    images: np.ndarray,  # (N, C, H, W), float32 in [0, 1]
    *,
    latent_dim: int,
    misfit: Misfit,  # of fitted pixels
    search: Search,
    patience: int,  # times the steps of plain
    newton_steps: int,
    seed: int,
    compute: Compute,
) -> dict[str, np.ndarray]:
    """As `restore`, for images seen whole and without noise: plain, map, and newton, which goes on from map's codes."""
    observation = clean(images)
    codes = {"plain": _plain_search(generate, observation, latent_dim, search, seed, compute, patience)}
    objective = Objective(observation, misfit.data_term)
    _, best = _search_best(generate, objective, latent_dim, search.map, seed, compute, FINALISTS)
    codes["map"] = best[:, 0]
    codes["newton"] = newton_search(generate, observation, best, steps=newton_steps, compute=compute)
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
    _, best = _search_best(generate, objective, latent_dim, search.map, seed, compute)
    return fit_misfit(images, draw(generate, best[:, 0], compute), seen)


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
    for norm in NORMS:
        for prior in (False, True):
            objective = norm_objective(norm, prior, observation, misfit, mean_misfit)
            _, best = _search_best(generate, objective, latent_dim, settings, seed, compute)
            restored[f"{norm}, prior {'on' if prior else 'off'}"] = draw(generate, best[:, 0], compute)
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


def _search_best(
    generate: Generate,
    objective: Objective,  # over N observations
    latent_dim: int,
    settings: MapSearch,
    seed: int,
    compute: Compute,
    finalists: int = 1,  # explored starts that are searched to the end
) -> tuple[np.ndarray, np.ndarray]:
    """Explored starts (N, restarts, latent_dim) and final codes (N, finalists, latent_dim), least energy first."""
    samples = draw_prior(settings.samples, latent_dim, seed)
    starts = screen(generate, objective, samples, settings.restarts, compute)
    explore = Walk(settings.explore_steps, settings.learning_rate, settings.ramp_down, keep_best=True)
    starts, _ = descend(generate, objective, starts, explore, compute, "map search, all starts")
    refine = Walk(settings.steps, settings.learning_rate, settings.ramp_down, keep_best=True)
    best, _ = descend(generate, objective, starts[:, :finalists], refine, compute, "map search, best starts")
    return starts, best
