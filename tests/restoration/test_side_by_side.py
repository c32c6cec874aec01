"""The methods side by side: the arrays that they promise, and what each is good for."""

import numpy as np
import pytest

from stages.judging.image_quality import mse
from stages.restoration.latent.search import explore, map_search, plain_search
from stages.restoration.observation import Observation, masked, noisy, stack
from stages.restoration.side_by_side import restore
from tests.restoration.examples import changed, check, with_junk

METHODS = ("plain", "map", "posterior_mean")


@pytest.fixture
def observation(images, half) -> Observation:
    return stack([noisy(images, 0.2, 0), masked(images, half)])


def test_restore_returns_each_method_and_how_sure_it_is(search, observation):
    found = restore(search, observation)
    image, restarts = (12, 1, 28, 28), search.settings.map.restarts
    check(
        found,
        images=dict.fromkeys(METHODS, image),
        codes={"plain": (12, 4), "map": (12, 4)},
        spread=dict.fromkeys(["posterior_std", "low_50", "high_50", "low_90", "high_90"], image)
        | {"completions": (12, restarts, *image[1:]), "chain_weights": (12, restarts), "r_hat": (12,)},
    )
    assert tuple(found.images) == METHODS
    for method, codes in found.codes.items():
        assert np.array_equal(found.images[method], search.prior.draw(codes, search.compute))


def test_each_method_is_the_search_of_its_name(search, observation):
    found, objective = restore(search, observation), search.objective(observation)
    assert np.array_equal(found.codes["plain"], plain_search(search, observation))
    assert np.array_equal(found.codes["map"], map_search(search, objective, explore(search, objective)))


def test_restore_never_reads_hidden_pixels_but_for_plain(search, images, half):
    seen = masked(images, half)
    first, second = (restore(search, observation) for observation in (seen, with_junk(seen, 0.7)))
    assert changed(first, second) == {"images plain", "codes plain"}


def test_map_and_the_posterior_mean_restore_better_than_plain(search, images, observation):
    found = restore(search, observation)
    truth = np.tile(images, (2, 1, 1, 1))
    error = {method: np.median(mse(truth, found.images[method])[6:]) for method in METHODS}  # of half hidden images
    assert error["map"] < error["plain"] / 10 and error["posterior_mean"] < error["plain"] / 10
