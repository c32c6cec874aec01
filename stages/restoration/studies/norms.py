"""Which distance between G(z) and what was seen fits which corruption: the data terms that are compared, tuned alike.

Each is minus the logarithm of a density of the residual (up to a constant), so that the prior's weight follows from it
and is not a knob: all have the same variance s^2 = sensor noise + the misfit's mean. Without the prior s hardly
matters.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.params import Norms
from stages.priors.misfit import Misfit
from stages.restoration.latent.objective import DataTerm, Objective
from stages.restoration.latent.search import LatentSearch, explore, map_search
from stages.restoration.norm_names import norm_method
from stages.restoration.observation import Observation, clean, masked, noisy, salt_and_pepper, stack
from stages.restoration.observed import Observed, condition_word
from stages.restoration.restored import Restored
from stages.restoration.windows import draw_windows

# Where squares become absolute values, in standard deviations of the normal core; with its tails the density has larger
# ones (`huber_variance`). 1.345 is 95 % efficient under normal noise of the core's variance.
HUBER = 1.345
TYPICAL = 256  # prior samples over whose pixels the misfit's variance is averaged
NORMS = ("l2_all", "l2", "l1", "huber", "misfit")  # l2_all counts hidden pixels as black, the others known pixels only


def corrupted(images: np.ndarray, settings: Norms, seed: int) -> Observed:
    """The images (N, C, S, S) under every corruption that is compared."""
    corruptions = {"clean": clean(images)}
    corruptions |= {f"noise_{condition_word(sigma)}": noisy(images, sigma, seed) for sigma in settings.sigmas}
    corruptions |= {
        f"windows_{holes}": masked(images, draw_windows(images, holes, settings.window, seed))
        for holes in settings.holes
    }
    corruptions["salt_and_pepper"] = salt_and_pepper(images, settings.salt_and_pepper, seed)
    return Observed(
        images=np.tile(images, (len(corruptions), 1, 1, 1)),
        labels=None,
        observation=stack(list(corruptions.values())),
        condition=np.repeat(list(corruptions), len(images)),
        condition_name="corruption",
    )


def compare_norms(search: LatentSearch, observation: Observation) -> Restored:
    """The most probable images under each data term, as methods `<norm>, prior off` and `<norm>, prior on`."""
    restored = {}
    typical = typical_misfit(search)
    for norm in NORMS:
        for prior in (False, True):
            objective = norm_objective(norm, prior, observation, search.prior.misfit, typical)
            codes = map_search(search, objective, explore(search, objective))
            restored[norm_method(norm, "on" if prior else "off")] = search.prior.draw(codes, search.compute)
    return Restored(restored)


def typical_misfit(search: LatentSearch) -> float:
    """The misfit's variance, averaged over the pixels of prior samples."""
    images = search.prior.draw(search.draw_prior(TYPICAL), search.compute)
    return float(search.prior.misfit.variance(torch.from_numpy(images)).mean())


def norm_objective(norm: str, prior: bool, observation: Observation, misfit: Misfit, mean_misfit: float) -> Objective:
    """The energy with one of NORMS as its data term; `mean_misfit` is the variance v averaged over images."""
    if norm == "l2_all":
        observation = replace(observation, mask=np.ones_like(observation.mask))
    return Objective(observation, _data_terms(misfit, mean_misfit)[norm], prior=float(prior))


def huber_variance(bound: float) -> float:
    """The variance of the density that is proportional to exp(-rho(r)), rho Huber's function with this `bound`.

    A normal density up to the bound, exponential tails beyond it (Huber 1964).
    """
    edge = math.exp(-(bound**2) / 2)
    inside = math.sqrt(2 * math.pi) * math.erf(bound / math.sqrt(2))
    whole = inside + 2 * edge / bound
    return (inside + 4 * edge * (1 / bound + 1 / bound**3)) / whole


def _data_terms(misfit: Misfit, mean_misfit: float) -> dict[str, DataTerm]:
    def scaled(of: Callable[[Tensor], Tensor]) -> DataTerm:
        return lambda residual, images, sensor: of(residual / (sensor + mean_misfit).sqrt())

    def huber(r: Tensor) -> Tensor:
        return torch.where(r.abs() < HUBER, r.square() / 2, HUBER * (r.abs() - HUBER / 2))

    square, widened = scaled(lambda r: r.square() / 2), math.sqrt(huber_variance(HUBER))
    return {
        "l2_all": square,
        "l2": square,
        "l1": scaled(lambda r: 2**0.5 * r.abs()),  # Laplace density of variance 1
        "huber": scaled(lambda r: huber(widened * r)),  # likewise
        "misfit": misfit.data_term,
    }
