"""The searches: they recover what a generator made, read known pixels only, and treat every image by itself."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.pipeline.compute import Compute
from stages.restoration.methods import draw
from stages.restoration.objective import Misfit, Objective
from stages.restoration.observation import Observation, clean, masked, noisy, stack
from stages.restoration.quality import mse
from stages.restoration.search import (
    DAMPING,
    Walk,
    descend,
    draw_prior,
    least_squares_search,
    plain_search,
    screen,
    search_axes,
    squared_error,
)

MISFIT = Misfit(slope=0.002)
SHORT = Walk(steps=20, learning_rate=0.1, ramp_down=0.3, keep_best=True)
LONG = Walk(steps=150, learning_rate=0.1, ramp_down=0.3, keep_best=True)
JUNK = [0.7, -1e6, np.nan, np.inf]


@pytest.fixture
def walk(tiny_generator, exact) -> Callable[..., np.ndarray]:
    """Adam from the same two prior samples for every observation: codes (N, 2, 4), best first."""

    def walk(observation: Observation, walk: Walk = SHORT, starts: np.ndarray | None = None) -> np.ndarray:
        starts = starts_of(observation, 2) if starts is None else starts
        objective = Objective(observation, MISFIT.data_term)
        return descend(tiny_generator, objective, starts, walk, exact, "test")[0]

    return walk


@pytest.fixture
def least_squares(tiny_generator, exact) -> Callable[..., np.ndarray]:
    """Whitened walks from the same prior samples for every observation: codes (N, 4)."""

    def least_squares(observation: Observation, *steps: int, restarts: int = 2) -> np.ndarray:
        walks = [replace(SHORT, steps=number) for number in steps]
        return least_squares_search(tiny_generator, observation, starts_of(observation, restarts), walks, exact)

    return least_squares


def starts_of(observation: Observation, restarts: int) -> np.ndarray:
    """The same prior samples for every observation, (N, restarts, 4)."""
    return np.tile(draw_prior(restarts, 4, seed=0), (len(observation.y), 1, 1))


def energies(generator, observation: Observation, codes: np.ndarray, compute: Compute) -> np.ndarray:
    """Energies (N, M) of codes (N, M, latent_dim), one call for each observation."""
    objective = Objective(observation, MISFIT.data_term)
    found = []
    for index, own in enumerate(codes):
        energy = objective.batch(torch.full((len(own),), index), compute)
        found.append(energy(torch.from_numpy(own), torch.from_numpy(draw(generator, own, compute))).numpy())
    return np.stack(found)


def with_junk(seen: Observation, junk: float) -> Observation:
    """The same observation with other values in hidden pixels."""
    return replace(seen, y=np.where(seen.mask, seen.y, np.float32(junk)))


def shuffled(seen: Observation, order: list[int]) -> Observation:
    return Observation(seen.y[order], seen.mask[order], seen.sigma[order])


def test_more_prior_samples_begin_with_the_same_ones():
    few, many = draw_prior(5, 7, seed=0), draw_prior(50, 7, seed=0)
    assert few.shape == (5, 7) and few.dtype == np.float32
    assert np.array_equal(many[:5], few) and not np.array_equal(draw_prior(5, 7, seed=1), few)


def test_screen_returns_the_samples_of_least_energy_best_first(tiny_generator, images, half, exact):
    observation = stack([masked(images, half), noisy(images, 0.3, 0)])
    samples = draw_prior(20, 4, seed=0)
    starts = screen(tiny_generator, Objective(observation, MISFIT.data_term), samples, 5, exact)
    order = energies(tiny_generator, observation, np.tile(samples, (12, 1, 1)), exact).argsort(axis=1)
    assert starts.shape == (12, 5, 4) and len(np.unique(order[:, 0])) > 1
    np.testing.assert_array_equal(starts, samples[order[:, :5]])


def test_more_restarts_begin_with_the_same_ones(tiny_generator, images, exact):
    objective, samples = Objective(clean(images), MISFIT.data_term), draw_prior(20, 4, seed=0)
    few, many = (screen(tiny_generator, objective, samples, restarts, exact) for restarts in (2, 9))
    assert np.array_equal(many[:, :2], few)


def test_descend_returns_codes_in_the_order_of_the_energies_that_it_reports(tiny_generator, images, half, exact):
    observation = masked(images, half)
    objective = Objective(observation, MISFIT.data_term)
    codes, found = descend(tiny_generator, objective, starts_of(observation, 5), SHORT, exact, "test")
    assert codes.shape == (6, 5, 4) and (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_allclose(found, energies(tiny_generator, observation, codes, exact), rtol=1e-4, atol=0.05)


def test_descend_keeps_the_best_of_all_iterates_however_wild_the_steps(tiny_generator, images, walk, exact):
    starts, wild = starts_of(clean(images), 1), Walk(steps=15, learning_rate=1.0, ramp_down=0.0, keep_best=False)
    iterates = np.concatenate([walk(clean(images), replace(wild, steps=steps), starts) for steps in range(15)], axis=1)
    path = energies(tiny_generator, clean(images), iterates, exact)
    best = energies(tiny_generator, clean(images), walk(clean(images), replace(wild, keep_best=True), starts), exact)
    np.testing.assert_allclose(best[:, 0], path.min(axis=1), rtol=1e-4, atol=0.05)
    assert (path[:, 14] > path.min(axis=1) + 1).any()


def test_the_rate_ramps_down_at_the_end_only():
    walk = Walk(steps=100, learning_rate=0.1, ramp_down=0.3, keep_best=True)
    rates = [walk.rate(step) for step in range(101)]
    assert rates[:71] == [0.1] * 71
    assert rates[85] == pytest.approx(0.05) and rates[100] == pytest.approx(0)
    assert (np.diff(rates[70:]) < 0).all()
    assert [replace(walk, ramp_down=0.0).rate(step) for step in (0, 99)] == [0.1, 0.1]


def test_plain_and_map_recover_generated_images(tiny_generator, images, walk, exact):
    starts = starts_of(clean(images), 4)
    assert (mse(images, draw(tiny_generator, starts[:, 0], exact)) > 1e-3).all()
    found = walk(clean(images), LONG, starts)[:, 0]
    assert (mse(images, draw(tiny_generator, found, exact)) < 1e-4).all()
    plain = plain_search(tiny_generator, clean(images), starts[:, 0], steps=400, learning_rate=0.1, compute=exact)
    assert np.median(mse(images, draw(tiny_generator, plain, exact))) < 1e-4


def test_map_recovers_an_image_from_half_of_its_pixels_and_plain_does_not(tiny_generator, images, half, walk, exact):
    observation = masked(images, half)
    starts = starts_of(observation, 4)
    found = walk(observation, LONG, starts)[:, 0]
    plain = plain_search(tiny_generator, observation, starts[:, 0], steps=150, learning_rate=0.1, compute=exact)
    hidden_map, hidden_plain = (mse(images, draw(tiny_generator, codes, exact), ~half) for codes in (found, plain))
    assert (hidden_map < 1e-3).all()
    assert (hidden_plain > 10 * hidden_map).all()


@pytest.mark.parametrize("junk", JUNK)
def test_hidden_pixels_never_change_a_bit_of_the_answer(tiny_generator, images, half, walk, least_squares, exact, junk):
    seen = masked(images, half)
    samples = draw_prior(20, 4, seed=0)

    def screened(observation: Observation) -> np.ndarray:
        return screen(tiny_generator, Objective(observation, MISFIT.data_term), samples, 3, exact)

    for search in (screened, walk, lambda observation: least_squares(observation, 2, 2)):
        first, second = search(seen), search(with_junk(seen, junk))
        assert np.isfinite(first).all() and first.tobytes() == second.tobytes()


def test_plain_does_read_hidden_pixels(tiny_generator, images, half, exact):
    seen = masked(images, half)
    first, second = (
        plain_search(tiny_generator, observation, draw_prior(6, 4, 0), steps=5, learning_rate=0.1, compute=exact)
        for observation in (seen, with_junk(seen, 0.7))
    )
    assert not np.allclose(first, second)


def test_plain_is_adam_on_the_sum_of_squares(tiny_generator, images, exact):
    """Against torch's own Adam on one image after the other."""
    starts = draw_prior(6, 4, seed=0)
    found = plain_search(tiny_generator, noisy(images, 0.3, 0), starts, steps=10, learning_rate=0.1, compute=exact)
    for y, start, code in zip(noisy(images, 0.3, 0).y, starts, found, strict=True):
        z = torch.from_numpy(start)[None].requires_grad_()
        adam = torch.optim.Adam([z], lr=0.1)
        for _ in range(10):
            adam.zero_grad()
            (tiny_generator(z) - torch.from_numpy(y)).square().sum().backward()
            adam.step()
        np.testing.assert_allclose(code, z.detach().numpy()[0], rtol=0, atol=1e-4)


def test_a_permuted_batch_gives_permuted_codes(images, half, walk, least_squares):
    order = [4, 0, 5, 2, 1, 3]
    seen = masked(images, half)
    for search in (walk, lambda observation: least_squares(observation, 2)):
        straight, permuted = search(seen), search(shuffled(seen, order))
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


def test_axes_turn_a_walk_into_the_same_walk_of_a_turned_generator(tiny_generator, images, exact):
    """Adam on u with z = start + W u is Adam on the code of a generator that applies W itself."""
    observation, starts = clean(images), starts_of(clean(images), 2)
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


def test_search_axes_flatten_the_curvature_and_are_cautious_where_it_is_weak(exact):
    curvature = torch.diag(torch.tensor([100.0, 1.0, 0.0]))[None].repeat(2, 1, 1)
    axes = search_axes(curvature, Observation(np.zeros(2), np.zeros(2), np.array([0, 1], np.float32)), exact)
    damped = axes.mT @ (curvature + torch.tensor([DAMPING, DAMPING + 1])[:, None, None] * torch.eye(3)) @ axes
    torch.testing.assert_close(damped, torch.eye(3).expand(2, 3, 3), rtol=0, atol=1e-4)
    assert axes[0, 2, 2] > axes[1, 2, 2]  # noise: the prior holds on more


def test_whitened_steps_get_farther_than_as_many_of_adam(exact):
    """Where a generator's slopes differ by a factor of 100 between directions that no coordinate axis lies along."""
    stream = torch.Generator().manual_seed(0)
    left, _ = torch.linalg.qr(torch.randn((64, 8), generator=stream))
    right, _ = torch.linalg.qr(torch.randn((8, 8), generator=stream))
    slopes = left @ torch.diag(torch.logspace(-1.5, 0.5, 8)) @ right

    def generate(codes: torch.Tensor) -> torch.Tensor:
        return (codes @ slopes.T).view(-1, 1, 8, 8)

    truth = draw_prior(5, 8, seed=1)
    observation, starts = clean(draw(generate, truth, exact)), draw_prior(5, 8, seed=0)
    walk = Walk(steps=300, learning_rate=0.1, ramp_down=0.3, keep_best=True)
    adam, _ = descend(generate, Objective(observation, squared_error, prior=0.0), starts[:, None], walk, exact, "test")
    whitened = least_squares_search(generate, observation, starts[:, None], [walk], exact)
    by_adam, by_whitened = (mse(observation.y, draw(generate, codes, exact)) for codes in (adam[:, 0], whitened))
    assert by_whitened.mean() < by_adam.mean() / 10


def test_least_squares_recovers_generated_images(tiny_generator, images, half, least_squares, exact):
    for observation, bound in ((clean(images), 1e-6), (masked(images, half), 1e-5)):
        found = least_squares(observation, 30, 30, 30, restarts=4)
        assert found.shape == (6, 4) and found.dtype == np.float32
        assert (mse(images, draw(tiny_generator, found, exact)) < bound).all()


def test_more_walks_never_end_worse(tiny_generator, images, least_squares, exact):
    """Also on images that the generator cannot draw."""
    observation = noisy(1 - images, 0.5, 0)

    def errors(codes: np.ndarray) -> np.ndarray:
        return mse(observation.y, draw(tiny_generator, codes, exact))

    once, twice, thrice = (errors(least_squares(observation, *[5] * walks)) for walks in (1, 2, 3))
    start = np.min([errors(starts_of(observation, 2)[:, restart]) for restart in (0, 1)], axis=0)
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


def test_the_start_that_ends_best_wins_wherever_it_stands(tiny_generator, images, exact):
    codes = np.random.default_rng(3).standard_normal((6, 4), dtype=np.float32)  # of `images`
    others = starts_of(clean(images), 3)
    for place in range(4):
        starts = np.insert(others, place, codes, axis=1)
        found = least_squares_search(tiny_generator, clean(images), starts, [replace(SHORT, steps=1)] * 2, exact)
        np.testing.assert_allclose(found, codes, atol=1e-5)


def test_searches_leave_the_generator_untouched(tiny_generator, images, walk, least_squares, exact):
    before = {name: tensor.clone() for name, tensor in tiny_generator.state_dict().items()}
    plain_search(tiny_generator, clean(images), draw_prior(6, 4, 0), steps=3, learning_rate=0.1, compute=exact)
    walk(clean(images))
    least_squares(clean(images), 1)
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny_generator.state_dict().items())
    assert all(parameter.grad is None for parameter in tiny_generator.parameters())
