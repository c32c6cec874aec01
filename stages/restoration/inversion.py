"""Inversion of images that are seen whole and without noise, and the misfit that it leaves."""

import numpy as np

from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import Invert
from stages.priors.misfit import Misfit, fit_misfit
from stages.restoration.latent.descent import usual_walk
from stages.restoration.latent.search import LatentSearch, explore, least_squares_search, map_search, plain_search
from stages.restoration.observation import clean, masked
from stages.restoration.restored import MAP, PLAIN, WHITENED, Restored

FIRST_MISFIT = Misfit(slope=0.02)  # to search with before there is an estimate
HELD_OUT = 0.1  # share of validation pixels that are hidden to estimate the misfit
STARTS = 3  # explored ones that go on to the walks of an inversion


def invert(search: LatentSearch, images: np.ndarray, settings: Invert) -> Restored:
    """Images (N, C, S, S), float32 in [0, 1], inverted by plain, map and whitened.

    The prior's misfit is that of fitted pixels. whitened goes on from the starts that map explored; it looks for the
    least squared error and does not mind how likely a code is.
    """
    observation = clean(images)
    objective = search.objective(observation)
    codes = {PLAIN: plain_search(search, observation, settings.patience)}
    explored = explore(search, objective)
    codes[MAP] = map_search(search, objective, explored)
    walks = [usual_walk(search.settings.map, steps) for steps in settings.walks]
    starts = explored.starts[:, :STARTS]
    codes[WHITENED] = least_squares_search(search.prior.generate, observation, starts, walks, search.compute)
    return Restored({method: search.prior.draw(found, search.compute) for method, found in codes.items()}, codes)


def measure_misfit(search: LatentSearch, images: np.ndarray) -> tuple[Misfit, Misfit]:
    """What the generator cannot draw, of any pixels and of fitted ones (see `fit_misfit`).

    From a search that saw most pixels of the images (N, C, S, S), float32 in [0, 1], and not the others. They are
    validation images, unseen by training and by all tables. The search's prior has FIRST_MISFIT.
    """
    seen = numpy_stream(search.seed, "pixels held out").random(images[:, :1].shape) >= HELD_OUT
    objective = search.objective(masked(images, seen))
    codes = map_search(search, objective, explore(search, objective))
    return fit_misfit(images, search.prior.draw(codes, search.compute), seen)
