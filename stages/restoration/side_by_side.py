"""Restoration of noisy and incomplete images by every method of a latent prior, side by side."""

from collections.abc import Sequence

import numpy as np

from stages.restoration.latent.search import LatentSearch, explore, map_search, plain_search
from stages.restoration.observation import Observation
from stages.restoration.posterior import sample_posterior
from stages.restoration.restored import BY_PRIOR, MAP, PLAIN, POSTERIOR_MEAN, Restored


def restore(search: LatentSearch, observation: Observation, methods: Sequence[str] = BY_PRIOR) -> Restored:
    """N images of plain (if it is among `methods`), map and posterior_mean, codes of both, and the posterior's spread.

    plain is the textbook recipe, map the most probable code, posterior_mean the mean of x given y. The images of plain
    and map are G(z) itself, known pixels too.
    """
    objective = search.objective(observation)
    explored = explore(search, objective)
    codes = {PLAIN: plain_search(search, observation)} if PLAIN in methods else {}
    codes[MAP] = map_search(search, objective, explored)
    images = {method: search.prior.draw(found, search.compute) for method, found in codes.items()}
    mean, spread = sample_posterior(search, observation, explored)
    return Restored(images | {POSTERIOR_MEAN: mean}, codes, spread)


def posterior_means(search: LatentSearch, observation: Observation) -> np.ndarray:
    """The images (N, C, S, S) of posterior_mean alone."""
    return sample_posterior(search, observation, explore(search, search.objective(observation)))[0]
