"""The search: it recovers what a generator made, reads known pixels only, and treats every image by itself."""

import numpy as np
import pytest
import torch

from stages.restoration.methods import draw, measure_misfit
from stages.restoration.observation import Observation, clean, masked, noisy, stack
from stages.restoration.quality import mse
from stages.restoration.search import draw_starts, map_search, plain_search

MAP = {"misfit": 1e-4, "explore_steps": 20, "steps": 150, "learning_rate": 0.1, "ramp_down": 0.3}


@pytest.fixture
def images(tiny_generator, exact) -> np.ndarray:
    codes = np.random.default_rng(3).standard_normal((6, 4), dtype=np.float32)
    return draw(tiny_generator, codes, exact)


@pytest.fixture
def half(images) -> np.ndarray:
    mask = np.ones_like(images[:, :1], dtype=bool)
    mask[:, :, :, 14:] = False
    return mask


def test_both_methods_recover_generated_images(tiny_generator, images, exact):
    starts = draw_starts(len(images), 4, 4, seed=0)
    untouched = mse(images, draw(tiny_generator, starts[:, 0], exact))
    assert (untouched > 1e-3).all()
    found = map_search(tiny_generator, clean(images), starts, compute=exact, **MAP)
    assert (mse(images, draw(tiny_generator, found, exact)) < 1e-4).all()
    plain = plain_search(tiny_generator, clean(images), starts[:, 0], steps=600, learning_rate=0.1, compute=exact)
    assert np.median(mse(images, draw(tiny_generator, plain, exact))) < 1e-4


def test_map_recovers_an_image_from_half_of_its_pixels_and_plain_does_not(tiny_generator, images, half, exact):
    starts = draw_starts(len(images), 4, 4, seed=0)
    observation = masked(images, half)
    found = map_search(tiny_generator, observation, starts, compute=exact, **MAP)
    plain = plain_search(tiny_generator, observation, starts[:, 0], steps=170, learning_rate=0.1, compute=exact)
    hidden_map, hidden_plain = (mse(images, draw(tiny_generator, codes, exact), ~half) for codes in (found, plain))
    assert (hidden_map < 1e-3).all()
    assert (hidden_plain > 10 * hidden_map).all()


@pytest.mark.parametrize("junk", [0.7, -1e6, np.nan, np.inf])
def test_hidden_pixels_never_change_a_bit_of_the_answer(tiny_generator, images, half, exact, junk):
    starts = draw_starts(len(images), 2, 4, seed=0)
    seen = masked(images, half)
    other = Observation(np.where(half, seen.y, np.float32(junk)), seen.mask, seen.sigma)
    first, second = (map_search(tiny_generator, obs, starts, compute=exact, **MAP) for obs in (seen, other))
    assert first.tobytes() == second.tobytes()


def test_plain_does_read_hidden_pixels(tiny_generator, images, half, exact):
    starts = draw_starts(len(images), 1, 4, seed=0)[:, 0]
    seen = masked(images, half)
    other = Observation(np.where(half, seen.y, np.float32(0.7)), seen.mask, seen.sigma)
    settings = {"steps": 5, "learning_rate": 0.1, "compute": exact}
    first, second = (plain_search(tiny_generator, obs, starts, **settings) for obs in (seen, other))
    assert not np.allclose(first, second)


def test_a_permuted_batch_gives_permuted_codes(tiny_generator, images, half, exact):
    order = np.array([4, 0, 5, 2, 1, 3])
    starts = draw_starts(len(images), 2, 4, seed=0)
    seen = masked(images, half)
    shuffled = Observation(seen.y[order], seen.mask[order], seen.sigma[order])
    settings = MAP | {"explore_steps": 5, "steps": 20}
    straight = map_search(tiny_generator, seen, starts, compute=exact, **settings)
    permuted = map_search(tiny_generator, shuffled, starts[order], compute=exact, **settings)
    np.testing.assert_allclose(permuted, straight[order], rtol=0, atol=1e-4)


def test_more_steps_never_worsen_the_objective(tiny_generator, images, exact):
    """The best iterate is kept, so even a rate far too large cannot lose what was found."""
    starts = draw_starts(len(images), 1, 4, seed=0)
    variance = 1e-4

    def objective(codes: np.ndarray) -> np.ndarray:
        error = mse(images, draw(tiny_generator, codes, exact)) * images[0].size
        return error / variance + np.square(codes).sum(axis=1)

    wild = MAP | {"learning_rate": 1.0, "ramp_down": 0.0}
    short, long = (
        map_search(tiny_generator, clean(images), starts, compute=exact, **(wild | {"steps": steps}))
        for steps in (10, 60)
    )
    assert (objective(long) <= objective(short) * 1.0001).all()
    assert (objective(short) <= objective(starts[:, 0])).all()


def test_the_prior_pulls_harder_when_there_is_more_noise(tiny_generator, images, exact):
    starts = draw_starts(len(images), 2, 4, seed=0)
    norms = [
        np.linalg.norm(map_search(tiny_generator, noisy(images, s, 0), starts, compute=exact, **MAP), axis=1).mean()
        for s in (0.5, 3.0)
    ]
    assert norms[1] < norms[0]


def test_noise_levels_in_one_batch_keep_their_own_weights(tiny_generator, images, exact):
    starts = draw_starts(len(images), 2, 4, seed=0)
    levels = [noisy(images, sigma, 0) for sigma in (0.1, 1.0)]
    settings = MAP | {"explore_steps": 5, "steps": 20}
    together = map_search(tiny_generator, stack(levels), np.tile(starts, (2, 1, 1)), compute=exact, **settings)
    alone = [map_search(tiny_generator, level, starts, compute=exact, **settings) for level in levels]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=0, atol=1e-4)


def test_more_restarts_begin_with_the_same_ones():
    few, many = draw_starts(5, 2, 7, seed=0), draw_starts(5, 9, 7, seed=0)
    assert np.array_equal(many[:, :2], few)


def test_misfit_is_what_inversion_leaves(tiny_generator, images, exact, search_settings):
    starts = draw_starts(len(images), 1, 4, seed=0)[:, 0]
    settings = {"starts": starts, "search": search_settings, "compute": exact}
    reachable = measure_misfit(tiny_generator, images, **settings)
    inverted = measure_misfit(tiny_generator, 1 - images, **settings)
    assert reachable < 1e-3 < inverted


def test_the_generator_is_left_untouched(tiny_generator, images, exact):
    before = {name: tensor.clone() for name, tensor in tiny_generator.state_dict().items()}
    plain_search(
        tiny_generator, clean(images), draw_starts(6, 1, 4, 0)[:, 0], steps=3, learning_rate=0.1, compute=exact
    )
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny_generator.state_dict().items())
