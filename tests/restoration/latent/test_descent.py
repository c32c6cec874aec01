"""Adam in the latent space: it finds what a generator made, reads known pixels only, and walks every code by itself."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.judging.image_quality import mse
from stages.restoration.latent.descent import Walk, descend, usual_walk
from stages.restoration.latent.objective import Objective
from stages.restoration.latent.search import squared_error
from stages.restoration.observation import Observation, clean, masked, noisy, stack
from tests.restoration.examples import JUNK, energies, starts_of, with_junk

SHORT = Walk(steps=20, learning_rate=0.1, ramp_down=0.3, keep_best=True)
LONG = Walk(steps=150, learning_rate=0.1, ramp_down=0.3, keep_best=True)


@pytest.fixture
def walk(search) -> Callable[..., np.ndarray]:
    """Adam from the same two prior samples for every observation: codes (N, 2, 4), best first."""

    def walk(observation: Observation, walk: Walk = SHORT, starts: np.ndarray | None = None) -> np.ndarray:
        starts = starts_of(search, observation, 2) if starts is None else starts
        objective = search.objective(observation)
        return descend(search.prior.generate, objective, starts, walk, search.compute, "test")[0]

    return walk


def test_descend_returns_codes_in_the_order_of_the_energies_that_it_reports(search, images, half, exact):
    observation = masked(images, half)
    starts = starts_of(search, observation, 5)
    codes, found = descend(search.prior.generate, search.objective(observation), starts, SHORT, exact, "test")
    assert codes.shape == (6, 5, 4) and (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_allclose(found, energies(search, observation, codes), rtol=1e-4, atol=0.05)


def test_descend_keeps_the_best_of_all_iterates_however_wild_the_steps(search, images, walk):
    seen = clean(images)
    starts, wild = starts_of(search, seen, 1), Walk(steps=15, learning_rate=1.0, ramp_down=0.0, keep_best=False)
    iterates = np.concatenate([walk(seen, replace(wild, steps=steps), starts) for steps in range(15)], axis=1)
    path = energies(search, seen, iterates)
    best = energies(search, seen, walk(seen, replace(wild, keep_best=True), starts))
    np.testing.assert_allclose(best[:, 0], path.min(axis=1), rtol=1e-4, atol=0.05)
    assert (path[:, 14] > path.min(axis=1) + 1).any()


def test_the_rate_ramps_down_at_the_end_only():
    walk = Walk(steps=100, learning_rate=0.1, ramp_down=0.3, keep_best=True)
    rates = [walk.rate(step) for step in range(101)]
    assert rates[:71] == [0.1] * 71
    assert rates[85] == pytest.approx(0.05) and rates[100] == pytest.approx(0)
    assert (np.diff(rates[70:]) < 0).all()
    assert [replace(walk, ramp_down=0.0).rate(step) for step in (0, 99)] == [0.1, 0.1]


def test_the_usual_walk_has_the_rate_and_ramp_of_the_settings(search_settings):
    settings = search_settings.map.model_copy(update={"learning_rate": 0.05, "ramp_down": 0.4})
    assert usual_walk(settings, 7) == Walk(steps=7, learning_rate=0.05, ramp_down=0.4, keep_best=True)


def test_descend_recovers_generated_images(search, images, walk, exact):
    starts = starts_of(search, clean(images), 4)
    assert (mse(images, search.prior.draw(starts[:, 0], exact)) > 1e-3).all()
    found = walk(clean(images), LONG, starts)[:, 0]
    assert (mse(images, search.prior.draw(found, exact)) < 1e-4).all()


def test_descend_recovers_an_image_from_half_of_its_pixels(search, images, half, walk, exact):
    observation = masked(images, half)
    found = walk(observation, LONG, starts_of(search, observation, 4))[:, 0]
    assert (mse(images, search.prior.draw(found, exact), ~half) < 1e-3).all()


@pytest.mark.parametrize("junk", JUNK)
def test_hidden_pixels_never_change_a_bit_of_the_answer(images, half, walk, junk):
    seen = masked(images, half)
    first, second = walk(seen), walk(with_junk(seen, junk))
    assert np.isfinite(first).all() and first.tobytes() == second.tobytes()


def test_a_permuted_batch_gives_permuted_codes(images, half, walk):
    order = [4, 0, 5, 2, 1, 3]
    seen = masked(images, half)
    straight, permuted = walk(seen), walk(seen.rows(np.array(order)))
    np.testing.assert_allclose(permuted, straight[order], rtol=0, atol=1e-4)
    assert not np.allclose(straight, straight[order], atol=1e-2)


def test_noise_levels_in_one_batch_keep_their_own_weights(images, walk):
    levels = [noisy(images, sigma, 0) for sigma in (0.1, 1.0)]
    alone = [walk(level) for level in levels]
    np.testing.assert_allclose(walk(stack(levels)), np.concatenate(alone), rtol=0, atol=1e-4)
    mixed = replace(levels[1], sigma=levels[0].sigma)
    assert not np.allclose(walk(mixed), alone[1], atol=1e-2)


def test_the_prior_pulls_harder_when_there_is_more_noise(images, walk):
    weak, strong = (np.linalg.norm(walk(noisy(images, sigma, 0), LONG)[:, 0], axis=1).mean() for sigma in (0.5, 3.0))
    assert strong < weak


def test_axes_turn_a_walk_into_the_same_walk_of_a_turned_generator(search, tiny_generator, images, exact):
    """Adam on u with z = start + W u is Adam on the code of a generator that applies W itself."""
    observation, starts = clean(images), starts_of(search, clean(images), 2)
    axes = torch.randn((6, 4, 4), generator=torch.Generator().manual_seed(0)) / 2
    _, energy = descend(
        tiny_generator, Objective(observation, squared_error, prior=0.0), starts, SHORT, exact, "a", axes
    )
    for index in range(6):
        own, origin, expected = observation.rows(np.array([index])), torch.from_numpy(starts[index]), []
        for restart in (0, 1):

            def turned(codes: torch.Tensor, index=index, start=origin[restart]) -> torch.Tensor:
                return tiny_generator(start + codes @ axes[index].T)

            zero = np.zeros((1, 1, 4), np.float32)
            expected.append(descend(turned, Objective(own, squared_error, prior=0.0), zero, SHORT, exact, "a")[1][0, 0])
        np.testing.assert_allclose(energy[index], sorted(expected), rtol=1e-3, atol=1e-6)


def test_descend_leaves_the_generator_untouched(tiny_generator, images, walk):
    before = {name: tensor.clone() for name, tensor in tiny_generator.state_dict().items()}
    walk(clean(images))
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny_generator.state_dict().items())
    assert all(parameter.grad is None for parameter in tiny_generator.parameters())
