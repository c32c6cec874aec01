"""log p(x): of a linear generator, where it has a closed form; images each by itself; what is fitted and made up."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.judging.bits import CELLS, LIKELIEST, MISFIT
from stages.judging.likelihood import (
    Gaussian,
    annealed,
    dequantise,
    fit_noise,
    joint_energy,
    laplace,
    likelihoods,
    simulate,
    starting_codes,
    with_noise,
)
from stages.judging.pixel_noise import PixelNoise, likeliest_noise
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import Likelihood, MapSearch, Search
from stages.priors.misfit import FLOOR, Misfit
from stages.restoration.latent.prior import LatentPrior
from stages.restoration.latent.search import LatentSearch

SETTINGS = Likelihood(images=6, simulated=6, validation=6, rounds=2, chains=100, temperatures=20, leapfrogs=3)
NOISE = PixelNoise(0.0, 0.01)
PIXELS, LATENT_DIM = 12, 3
AXES = np.random.default_rng(0).standard_normal((PIXELS, LATENT_DIM)) * 0.1
WIDE = Compute(torch.device("cpu"), bfloat16=False, search_batch=512)


SEARCH = MapSearch(samples=8, restarts=1, explore_steps=1, whitened_steps=1, steps=25, learning_rate=0.1, ramp_down=0.5)


@pytest.fixture
def linear() -> LatentSearch:
    """Of a generator that draws 1/2 + A z, as images of one row."""
    weights = torch.from_numpy(AXES.astype(np.float32))
    prior = LatentPrior(lambda z: (0.5 + z @ weights.T)[:, None, None, :], LATENT_DIM, NOISE)
    return LatentSearch(prior, Search.model_construct(map=SEARCH), seed=0, compute=WIDE)


def exact(images: np.ndarray) -> np.ndarray:
    """log N(x; 1/2, A A' + floor I)."""
    covariance = AXES @ AXES.T + NOISE.floor * np.eye(PIXELS)
    away = images.reshape(len(images), -1).astype(np.float64) - 0.5
    distance = (away * np.linalg.solve(covariance, away.T).T).sum(axis=1)
    return -(distance + np.linalg.slogdet(covariance)[1] + PIXELS * math.log(2 * math.pi)) / 2


def gaussian(search: LatentSearch, images: np.ndarray) -> Gaussian:
    return laplace(search, images, starting_codes(search, images))


def away_from(start: Gaussian) -> Gaussian:
    """A start that is beside the posterior, so that paths have some way to go."""
    return Gaussian(start.centre + 0.2, 1.5 * start.axes)


def test_bounds_of_a_linear_generator_meet_in_the_closed_form(linear):
    codes, images = simulate(linear, 6)
    found = annealed(linear, images, away_from(gaussian(linear, images)), SETTINGS, codes)
    for bound in (found.lower, found.upper):
        np.testing.assert_allclose(bound, exact(images), rtol=0, atol=0.4)
        assert abs((bound - exact(images)).mean()) < 0.1
    assert found.codes.shape == (6, SETTINGS.chains, LATENT_DIM)


def test_few_chains_and_steps_are_too_low_forwards_and_too_high_backwards(linear):
    codes, images = simulate(linear, 64)
    few = SETTINGS.model_copy(update={"chains": 1, "temperatures": 4})
    found = annealed(linear, images, away_from(gaussian(linear, images)), few, codes)
    assert (found.lower - exact(images)).mean() < -0.1
    assert (found.upper - exact(images)).mean() > 0.1


def test_from_the_posterior_itself_nothing_is_left_to_estimate(linear):
    """Laplace's approximation is exact where the generator is linear: every weight is p(x)."""
    codes, images = simulate(linear, 4)
    precision = AXES.T @ AXES / NOISE.floor + np.eye(LATENT_DIM)
    away = images.reshape(4, -1).astype(np.float64) - 0.5
    centre = np.linalg.solve(precision, AXES.T @ away.T / NOISE.floor).T
    axes = np.linalg.inv(np.linalg.cholesky(precision)).T  # upper triangular
    start = Gaussian(
        torch.from_numpy(centre.astype(np.float32)), torch.from_numpy(axes.astype(np.float32)).repeat(4, 1, 1)
    )
    energies, _ = joint_energy(linear, torch.from_numpy(images), start)(torch.zeros(4, 1, LATENT_DIM))
    normal = LATENT_DIM / 2 * math.log(2 * math.pi)
    np.testing.assert_allclose(-energies[:, 0].numpy() + normal, exact(images), rtol=0, atol=1e-3)
    one = SETTINGS.model_copy(update={"chains": 1, "temperatures": 2})
    found = annealed(linear, images, start, one, codes)
    np.testing.assert_allclose(found.lower, exact(images), rtol=0, atol=1e-3)
    np.testing.assert_allclose(found.upper, exact(images), rtol=0, atol=1e-3)


def test_the_search_finds_where_to_start(linear):
    _, images = simulate(linear, 4)
    start = gaussian(linear, images)
    precision = AXES.T @ AXES / NOISE.floor + np.eye(LATENT_DIM)
    covariance = (start.axes @ start.axes.mT).numpy()
    np.testing.assert_allclose(covariance, np.tile(np.linalg.inv(precision), (4, 1, 1)), rtol=1e-3, atol=1e-6)
    points = torch.randn((4, 5, LATENT_DIM), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(start.points(start.codes(points)), points, rtol=1e-4, atol=1e-4)


@pytest.fixture
def found(linear) -> Callable[[np.ndarray, LatentSearch], np.ndarray]:
    short = SETTINGS.model_copy(update={"chains": 2, "temperatures": 6})

    def found(images: np.ndarray, search: LatentSearch = linear) -> np.ndarray:
        return annealed(search, images, away_from(gaussian(search, images)), short).lower

    return found


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(linear, found):
    _, images = simulate(linear, 4)
    assert found(images).tobytes() == found(images).tobytes()
    assert (found(images, replace(linear, seed=1)) != found(images)).all()


def test_images_do_not_depend_on_what_is_beside_them(linear, found):
    _, images = simulate(linear, 6)
    together = found(images)
    np.testing.assert_allclose(found(images[::-1].copy()), together[::-1], rtol=0, atol=1e-3)
    np.testing.assert_allclose(found(images[2:3]), together[2:3], rtol=0, atol=1e-3)
    narrow = replace(linear, compute=replace(WIDE, search_batch=4))  # two images at a time
    np.testing.assert_allclose(found(images, narrow), together, rtol=0, atol=1e-3)


def test_simulated_images_have_the_noise_of_the_prior_and_the_codes_of_all(linear):
    codes, images = simulate(linear, 500)
    rest = images - linear.prior.draw(codes, WIDE)
    assert rest.var() == pytest.approx(NOISE.floor, rel=0.1)
    louder, others = simulate(with_noise(linear, PixelNoise(0.0, 0.04)), 500)
    np.testing.assert_array_equal(louder, codes)
    np.testing.assert_allclose(others - linear.prior.draw(codes, WIDE), 2 * rest, rtol=1e-4, atol=1e-6)


def test_dequantised_images_stay_within_their_level():
    levels = np.random.default_rng(0).integers(256, size=(3, 1, 28, 28))
    images = dequantise((levels / 255).astype(np.float32), seed=0, split="test")
    assert images.dtype == np.float32 and images.max() <= 1
    within = images * 256.0 - levels
    assert (within > -1e-3).all() and (within < 1 + 1e-3).all()
    assert 0.4 < within.mean() < 0.6 and within.std() == pytest.approx(12**-0.5, abs=0.02)


def test_the_usual_misfit_is_a_pixel_noise_with_its_floor():
    images, no_sensor = torch.rand((2, 1, 4, 4), generator=torch.Generator().manual_seed(0)), torch.zeros(())
    usual, same = Misfit(0.03), PixelNoise(0.03)
    assert same.floor == FLOOR
    torch.testing.assert_close(same.variance(images), usual.variance(images))
    torch.testing.assert_close(same.information(images, no_sensor), usual.information(images, no_sensor))


def test_the_likeliest_noise_is_what_images_were_made_with():
    stream = np.random.default_rng(0)
    drawn = stream.random((20, 1, 50, 50)).astype(np.float32) ** 4
    variance = 2e-5 + 0.01 * np.sqrt(drawn * (1 - drawn))
    images = drawn + np.sqrt(variance) * stream.standard_normal(drawn.shape)
    found = likeliest_noise(images.astype(np.float32), drawn, PixelNoise(0.1))
    assert found.floor == pytest.approx(2e-5, rel=0.15) and found.slope == pytest.approx(0.01, rel=0.05)


def test_em_finds_the_noise_of_a_prior(linear):
    """The residuals of fitted codes alone would have a quarter less variance, with 3 parameters for 12 pixels."""
    _, images = simulate(linear, 80)
    few = SETTINGS.model_copy(update={"chains": 2, "temperatures": 6, "rounds": 4})
    noise = fit_noise(with_noise(linear, PixelNoise(0.0)), images, few)
    drawn = linear.prior.draw(simulate(linear, 80)[0], WIDE)
    variance = noise.variance(torch.from_numpy(drawn)).mean().item()
    assert variance == pytest.approx(NOISE.floor, rel=0.15)


def test_every_cell_has_a_row_for_each_image(linear):
    _, images = simulate(linear, 6)
    few = SETTINGS.model_copy(update={"chains": 1, "temperatures": 3, "rounds": 1, "simulated": 4})
    rows = likelihoods(linear, images[:3], images, few)
    cells = [(row["noise"], row["images"], row["bound"], row["image"]) for row in rows]
    counts = {"test": 3, "simulated": 4}
    assert cells == [
        (noise, *cell, number) for noise in (MISFIT, LIKELIEST) for cell in CELLS for number in range(counts[cell[0]])
    ]
    assert {row["floor"] for row in rows if row["noise"] == MISFIT} == {FLOOR}
