"""The searches: they recover what a generator made, read known pixels only, and treat every image by itself."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.judging.image_quality import mse
from stages.priors.misfit import Misfit
from stages.restoration.latent.curvature import curvatures, evenly
from stages.restoration.latent.descent import Walk, descend
from stages.restoration.latent.objective import Objective
from stages.restoration.latent.prior import LatentPrior
from stages.restoration.latent.search import (
    CURVATURE_STARTS,
    DAMPING,
    LatentSearch,
    explore,
    least_squares_search,
    map_search,
    plain_search,
    screen,
    search_axes,
    squared_error,
)
from stages.restoration.observation import Observation, clean, masked, noisy, stack
from tests.restoration.examples import JUNK, energies, starts_of, with_junk, with_map

SHORT = Walk(steps=20, learning_rate=0.1, ramp_down=0.3, keep_best=True)


@pytest.fixture
def most_probable(search) -> Callable[..., np.ndarray]:
    """The search of the most probable code, (N, 4)."""

    def most_probable(observation: Observation, own: LatentSearch = search) -> np.ndarray:
        objective = own.objective(observation)
        return map_search(own, objective, explore(own, objective))

    return most_probable


@pytest.fixture
def least_squares(search) -> Callable[..., np.ndarray]:
    """Whitened walks from the same prior samples for every observation: codes (N, 4)."""

    def least_squares(observation: Observation, *steps: int, restarts: int = 2) -> np.ndarray:
        walks, starts = [replace(SHORT, steps=number) for number in steps], starts_of(search, observation, restarts)
        return least_squares_search(search.prior.generate, observation, starts, walks, search.compute)

    return least_squares


def test_more_prior_samples_begin_with_the_same_ones(search):
    wide = replace(search, prior=replace(search.prior, latent_dim=7))
    few, many = wide.draw_prior(5), wide.draw_prior(50)
    assert few.shape == (5, 7) and few.dtype == np.float32
    assert np.array_equal(many[:5], few) and not np.array_equal(replace(wide, seed=1).draw_prior(5), few)


def test_a_search_with_other_restarts_or_another_plain_recipe_is_the_same_in_all_else(search):
    few, quick = search.with_restarts(2), search.with_plain(steps=7, learning_rate=0.5)
    assert few.settings.map.restarts == 2 and few.with_restarts(search.settings.map.restarts) == search
    assert (quick.settings.plain.steps, quick.settings.plain.learning_rate) == (7, 0.5)
    assert quick.with_plain(**dict(search.settings.plain)) == search and quick != search


def test_screen_returns_the_samples_of_least_energy_best_first(search, images, half, exact):
    observation = stack([masked(images, half), noisy(images, 0.3, 0)])
    samples = search.draw_prior(20)
    starts = screen(search.prior.generate, search.objective(observation), samples, 5, exact)
    order = energies(search, observation, np.tile(samples, (12, 1, 1))).argsort(axis=1)
    assert starts.shape == (12, 5, 4) and len(np.unique(order[:, 0])) > 1
    np.testing.assert_array_equal(starts, samples[order[:, :5]])


def test_more_restarts_begin_with_the_same_ones(search, images, exact):
    objective, samples = search.objective(clean(images)), search.draw_prior(20)
    few, many = (screen(search.prior.generate, objective, samples, restarts, exact) for restarts in (2, 9))
    assert np.array_equal(many[:, :2], few)


def test_explored_starts_are_ordered_by_energy_and_better_than_the_samples_that_they_came_from(search, images, half):
    observation = stack([masked(images, half), noisy(images, 0.3, 0)])
    found = explore(search, search.objective(observation))
    assert found.starts.shape == (12, 3, 4) and found.axes.shape == (12, 4, 4)
    explored = energies(search, observation, found.starts)
    assert (np.diff(explored, axis=1) >= -0.05).all()
    sampled = np.sort(energies(search, observation, np.tile(search.draw_prior(16), (12, 1, 1))), axis=1)
    assert (explored < sampled[:, :3]).all()


@pytest.mark.parametrize("restarts", [1, 5])
def test_curvature_is_measured_at_the_best_starts(search, images, half, exact, restarts):
    """Where Adam left them, which is where explored starts are while no whitened step is taken."""
    own = with_map(search, restarts=restarts, whitened_steps=0)
    observation = stack([masked(images, half), noisy(images, 0.3, 0)])
    found = explore(own, own.objective(observation))
    assert found.starts.shape == (12, restarts, 4)
    assert (np.diff(energies(own, observation, found.starts), axis=1) >= -0.05).all()

    def axes(starts: np.ndarray) -> torch.Tensor:
        return search_axes(curvatures(own.prior.generate, observation, starts, evenly, exact), observation, exact)

    torch.testing.assert_close(found.axes, axes(found.starts[:, :CURVATURE_STARTS]))
    if restarts > CURVATURE_STARTS:
        for others in (found.starts, found.starts[:, :1], found.starts[:, -CURVATURE_STARTS:]):
            assert not torch.allclose(found.axes, axes(others), rtol=0.1)


def test_whitened_steps_and_those_of_the_best_start_each_lower_the_energy(search, images, half):
    observation = masked(images, half)
    objective = search.objective(observation)
    before, after = (explore(own, objective) for own in (with_map(search, whitened_steps=0), search))
    best = map_search(search, objective, after)[:, None]
    first, second, third = (energies(search, observation, codes)[:, 0] for codes in (before.starts, after.starts, best))
    assert best.shape == (6, 1, 4) and best.dtype == np.float32
    assert (second < first - 1).all() and (third < second).all()


def test_map_goes_on_from_the_best_start_alone(search, images):
    objective = search.objective(clean(images))
    found = explore(search, objective)
    others = replace(found, starts=np.concatenate([found.starts[:, :1], 5 - found.starts[:, 1:]], axis=1))
    expected = map_search(search, objective, found)
    assert np.array_equal(map_search(search, objective, others), expected)
    worse = replace(found, starts=found.starts[:, ::-1])
    assert not np.array_equal(map_search(search, objective, worse), expected)


def test_plain_recovers_generated_images(search, images, exact):
    assert (mse(images, search.prior.draw(search.draw_prior(6), exact)) > 1e-3).all()
    plain = plain_search(search.with_plain(steps=400, learning_rate=0.1), clean(images))
    assert np.median(mse(images, search.prior.draw(plain, exact))) < 1e-4


def test_map_recovers_generated_images(search, images, most_probable, exact):
    assert (mse(images, search.prior.draw(most_probable(clean(images)), exact)) < 1e-4).all()


def test_map_recovers_an_image_from_half_of_its_pixels_and_plain_does_not(search, images, half, most_probable, exact):
    observation = masked(images, half)
    found = most_probable(observation)
    plain = plain_search(search.with_plain(steps=150, learning_rate=0.1), observation)
    hidden_map, hidden_plain = (mse(images, search.prior.draw(codes, exact), ~half) for codes in (found, plain))
    assert (hidden_map < 1e-3).all()
    assert (hidden_plain > 10 * hidden_map).all()


@pytest.mark.parametrize("junk", JUNK)
def test_hidden_pixels_never_change_a_bit_of_the_answer(
    search, images, half, most_probable, least_squares, exact, junk
):
    seen = masked(images, half)
    samples = search.draw_prior(20)

    def screened(observation: Observation) -> np.ndarray:
        return screen(search.prior.generate, search.objective(observation), samples, 3, exact)

    for find in (screened, most_probable, lambda observation: least_squares(observation, 2, 2)):
        first, second = find(seen), find(with_junk(seen, junk))
        assert np.isfinite(first).all() and first.tobytes() == second.tobytes()


def test_plain_does_read_hidden_pixels(search, images, half):
    seen, short = masked(images, half), search.with_plain(steps=5, learning_rate=0.1)
    first, second = (plain_search(short, observation) for observation in (seen, with_junk(seen, 0.7)))
    assert not np.allclose(first, second)


def test_plain_is_adam_on_the_sum_of_squares(search, tiny_generator, images):
    """Against torch's own Adam on one image after the other, each from a prior sample of its own."""
    observation = noisy(images, 0.3, 0)
    found = plain_search(search.with_plain(steps=10, learning_rate=0.1), observation)
    for y, start, code in zip(observation.y, search.draw_prior(6), found, strict=True):
        z = torch.from_numpy(start)[None].requires_grad_()
        adam = torch.optim.Adam([z], lr=0.1)
        for _ in range(10):
            adam.zero_grad()
            (tiny_generator(z) - torch.from_numpy(y)).square().sum().backward()
            adam.step()
        np.testing.assert_allclose(code, z.detach().numpy()[0], rtol=0, atol=1e-4)


def test_patience_multiplies_the_steps_of_plain(search, images):
    thrice = plain_search(search.with_plain(steps=5, learning_rate=0.1), clean(images), patience=3)
    assert np.array_equal(thrice, plain_search(search.with_plain(steps=15, learning_rate=0.1), clean(images)))


def test_a_permuted_batch_gives_permuted_codes(images, half, most_probable, least_squares):
    order = [4, 0, 5, 2, 1, 3]
    seen = masked(images, half)
    for find in (most_probable, lambda observation: least_squares(observation, 2)):
        straight, permuted = find(seen), find(seen.rows(np.array(order)))
        np.testing.assert_allclose(permuted, straight[order], rtol=0, atol=1e-4)
        assert not np.allclose(straight, straight[order], atol=1e-2)


def test_search_axes_flatten_the_curvature_and_are_cautious_where_it_is_weak(exact):
    curvature = torch.diag(torch.tensor([100.0, 1.0, 0.0]))[None].repeat(2, 1, 1)
    axes = search_axes(curvature, Observation(np.zeros(2), np.zeros(2), np.array([0, 1], np.float32)), exact)
    damped = axes.mT @ (curvature + torch.tensor([DAMPING, DAMPING + 1])[:, None, None] * torch.eye(3)) @ axes
    torch.testing.assert_close(damped, torch.eye(3).expand(2, 3, 3), rtol=0, atol=1e-4)
    assert axes[0, 2, 2] > axes[1, 2, 2]  # noise: the prior holds on more


def test_whitened_steps_get_farther_than_as_many_of_adam(search_settings, exact):
    """Where a generator's slopes differ by a factor of 100 between directions that no coordinate axis lies along."""
    stream = torch.Generator().manual_seed(0)
    left, _ = torch.linalg.qr(torch.randn((64, 8), generator=stream))
    right, _ = torch.linalg.qr(torch.randn((8, 8), generator=stream))
    slopes = left @ torch.diag(torch.logspace(-1.5, 0.5, 8)) @ right

    def generate(codes: torch.Tensor) -> torch.Tensor:
        return (codes @ slopes.T).view(-1, 1, 8, 8)

    prior = LatentPrior(generate, latent_dim=8, misfit=Misfit(0.0))
    truth, starts = (LatentSearch(prior, search_settings, seed, exact).draw_prior(5) for seed in (1, 0))
    observation = clean(prior.draw(truth, exact))
    walk = Walk(steps=300, learning_rate=0.1, ramp_down=0.3, keep_best=True)
    adam, _ = descend(generate, Objective(observation, squared_error, prior=0.0), starts[:, None], walk, exact, "test")
    whitened = least_squares_search(generate, observation, starts[:, None], [walk], exact)
    by_adam, by_whitened = (mse(observation.y, prior.draw(codes, exact)) for codes in (adam[:, 0], whitened))
    assert by_whitened.mean() < by_adam.mean() / 10


def test_least_squares_recovers_generated_images(search, images, half, least_squares, exact):
    for observation, bound in ((clean(images), 1e-6), (masked(images, half), 1e-5)):
        found = least_squares(observation, 30, 30, 30, restarts=4)
        assert found.shape == (6, 4) and found.dtype == np.float32
        assert (mse(images, search.prior.draw(found, exact)) < bound).all()


def test_more_walks_never_end_worse(search, images, least_squares, exact):
    """Also on images that the generator cannot draw."""
    observation = noisy(1 - images, 0.5, 0)

    def errors(codes: np.ndarray) -> np.ndarray:
        return mse(observation.y, search.prior.draw(codes, exact))

    once, twice, thrice = (errors(least_squares(observation, *[5] * walks)) for walks in (1, 2, 3))
    start = np.min([errors(starts_of(search, observation, 2)[:, restart]) for restart in (0, 1)], axis=0)
    assert (once < start).all() and (twice <= once * 1.0001).all() and (thrice <= twice * 1.0001).all()


def test_each_walk_gives_up_the_worse_half(tiny_generator, images, least_squares):
    """Seen from the codes that the generator is asked for at a time."""
    asked = []
    tiny_generator.register_forward_pre_hook(lambda _, codes: asked.append(len(codes[0])))
    for walks, each in ((1, 5), (2, 5 + 2), (3, 5 + 2 + 1), (4, 5 + 2 + 1 + 1)):
        asked.clear()
        least_squares(clean(images), *[3] * walks, restarts=5)
        # Three steps of every code, and each code once more where its curvature is measured (and once in its Jacobian).
        assert sum(asked) == 6 * each * (3 + 2)


def test_the_start_that_ends_best_wins_wherever_it_stands(search, images, exact):
    codes = np.random.default_rng(3).standard_normal((6, 4), dtype=np.float32)  # of `images`
    others = starts_of(search, clean(images), 3)
    for place in range(4):
        starts, walks = np.insert(others, place, codes, axis=1), [replace(SHORT, steps=1)] * 2
        found = least_squares_search(search.prior.generate, clean(images), starts, walks, exact)
        np.testing.assert_allclose(found, codes, atol=1e-5)


def test_searches_leave_the_generator_untouched(search, tiny_generator, images, most_probable, least_squares):
    before = {name: tensor.clone() for name, tensor in tiny_generator.state_dict().items()}
    plain_search(search.with_plain(steps=3, learning_rate=0.1), clean(images))
    most_probable(clean(images))
    least_squares(clean(images), 1)
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny_generator.state_dict().items())
    assert all(parameter.grad is None for parameter in tiny_generator.parameters())
