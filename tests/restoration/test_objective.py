"""The energy is minus the logarithm of the posterior that its docstring writes down, and hidden pixels are no part."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal
from torch.func import grad, vmap
from torch.testing import assert_close

from stages.restoration.objective import FLOOR, Misfit, Objective, fit_misfit
from stages.restoration.observation import Observation, clean, masked, noisy, stack

MISFIT = Misfit(slope=0.02)
BRIGHTNESS = torch.tensor([0.0, 0.01, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)


def energies(observation: Observation, codes: torch.Tensor, images: torch.Tensor, compute, **options) -> torch.Tensor:
    """One code and image for each observation."""
    objective = Objective(observation, MISFIT.data_term, **options)
    return objective.batch(torch.arange(len(observation.y)), compute)(codes, images)


def simulated(slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Drawn images g, and the images that they are of: residuals have variance slope sqrt(g (1 - g))."""
    stream = np.random.default_rng(0)
    drawn = stream.beta(0.5, 0.5, (50, 1, 28, 28))
    variance = slope * np.sqrt(drawn * (1 - drawn))
    return drawn, drawn + np.sqrt(variance) * stream.standard_normal(drawn.shape)


def test_the_variance_is_the_formula_and_least_where_images_are_black_or_white():
    expected = FLOOR + 0.02 * (BRIGHTNESS * (1 - BRIGHTNESS)).sqrt()
    assert_close(MISFIT.variance(BRIGHTNESS), expected, rtol=0, atol=3e-6)  # the root is kept off 0
    assert MISFIT.variance(BRIGHTNESS).argmax() == 3 and MISFIT.variance(BRIGHTNESS).min() >= FLOOR


@pytest.mark.parametrize("sigma", [0.0, 0.1, 1.0])
def test_the_data_term_is_minus_the_log_density_of_the_residual(sigma):
    residual = torch.linspace(-1.5, 1.5, 7, dtype=torch.float64)[:, None].expand(-1, len(BRIGHTNESS))
    sensor = torch.tensor(sigma**2, dtype=torch.float64)
    density = Normal(0.0, (MISFIT.variance(BRIGHTNESS) + sensor).sqrt()).log_prob(residual)
    difference = MISFIT.data_term(residual, BRIGHTNESS, sensor) + density
    assert_close(difference, torch.full_like(difference, -0.5 * np.log(2 * np.pi)))


@pytest.mark.parametrize("sigma", [0.0, 0.1, 1.0])
def test_information_is_the_mean_square_of_the_data_terms_slope(sigma):
    """Over y ~ N(g, v(g) + sigma^2), by Gauss-Hermite quadrature: exact for the fourth powers that occur."""
    nodes, weights = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(8))
    brightness, sensor = BRIGHTNESS[1:-1], torch.tensor(sigma**2, dtype=torch.float64)
    slope = grad(lambda g, y: MISFIT.data_term(g - y, g, sensor))

    def information(g: torch.Tensor) -> torch.Tensor:
        y = g + (MISFIT.variance(g) + sensor).sqrt() * nodes
        return (vmap(slope, in_dims=(None, 0))(g, y).square() * weights).sum() / weights.sum()

    expected = torch.stack([information(g) for g in brightness])
    assert_close(MISFIT.information(brightness, sensor), expected, rtol=1e-6, atol=0)


def test_the_energy_adds_the_data_terms_of_known_pixels_and_half_the_squared_norm(images, half, exact):
    observation = stack([noisy(images, 0.3, 0), masked(images, half)])
    codes = torch.randn((12, 4), generator=torch.Generator().manual_seed(0))
    drawn = torch.rand((12, 1, 28, 28), generator=torch.Generator().manual_seed(1))
    sensor = np.square(observation.sigma)[:, None, None, None]
    variance = MISFIT.variance(drawn).numpy() + sensor
    terms = np.square(drawn.numpy() - observation.y) / variance + np.log(variance)
    expected = (terms * observation.mask).sum(axis=(1, 2, 3)) / 2
    prior = np.square(codes.numpy()).sum(axis=1) / 2
    for weight in (0.0, 1.0, 3.0):
        found = energies(observation, codes, drawn, exact, prior=weight).numpy()
        np.testing.assert_allclose(found, expected + weight * prior, rtol=1e-5, atol=1e-3)


def test_each_code_is_measured_against_the_observation_that_owns_it(images, exact):
    owner = torch.tensor([4, 0, 4, 2])
    drawn = torch.from_numpy(images)[owner]
    observation = stack([noisy(images[:3], 0.2, 0), clean(images[3:])])
    codes = torch.zeros(4, 4)
    found = Objective(observation, MISFIT.data_term).batch(owner, exact)(codes, drawn)
    every = energies(observation, torch.zeros(6, 4), torch.from_numpy(images), exact)
    assert torch.equal(found, every[owner]) and len(set(every.tolist())) == 6


@pytest.mark.parametrize("junk", [0.7, -1e6, np.nan, np.inf])
def test_hidden_pixels_change_no_bit_of_the_energy_or_its_gradient(images, half, exact, junk):
    seen = masked(images, half)
    other = Observation(np.where(half, seen.y, np.float32(junk)), seen.mask, seen.sigma)
    results = []
    for observation in (seen, other):
        drawn = torch.full(images.shape, 0.3, requires_grad=True)
        energy = energies(observation, torch.ones(6, 4), drawn, exact)
        (gradient,) = torch.autograd.grad(energy.sum(), drawn)
        results.append((energy, gradient))
    assert all(torch.equal(first, second) for first, second in zip(*results, strict=True))
    assert not results[0][1][:, :, :, 14:].any() and results[0][1][:, :, :, :14].all()


def test_complete_is_gaussian_conditioning():
    """Against the general formula for x given y, from the joint covariance of (x, y), pixel by pixel."""
    drawn = BRIGHTNESS[None, None, :, None]
    y = drawn + torch.linspace(-0.4, 0.5, 6, dtype=torch.float64)[None, None, :, None]
    everything = torch.ones_like(drawn, dtype=torch.bool)
    mean, variance = MISFIT.complete(drawn, y, everything, torch.tensor(0.09))
    for index, g in enumerate(BRIGHTNESS):
        v = MISFIT.variance(g)
        joint = torch.tensor([[v, v], [v, v + 0.09]])
        gain = joint[0, 1] / joint[1, 1]
        assert_close(mean[0, 0, index, 0], g + gain * (y[0, 0, index, 0] - g), rtol=1e-5, atol=1e-7)
        assert_close(variance[0, 0, index, 0], v - gain * joint[0, 1], rtol=1e-5, atol=1e-9)


def test_complete_keeps_what_was_seen_without_noise_and_what_was_drawn_where_nothing_was(images, half):
    drawn = torch.rand(images.shape, generator=torch.Generator().manual_seed(0))
    y = torch.from_numpy(np.where(half, images, np.float32(np.nan)))
    mean, variance = MISFIT.complete(drawn, y, torch.from_numpy(half), torch.zeros(6, 1, 1, 1))
    known = torch.from_numpy(half)
    assert torch.equal(mean[known], y[known])
    assert not variance[known].any()
    assert torch.equal(mean[~known], drawn[~known])
    assert torch.equal(variance[~known], MISFIT.variance(drawn)[~known])


def test_fit_misfit_finds_the_slope_of_simulated_residuals():
    drawn, images = simulated(slope=0.03)
    seen = np.random.default_rng(1).random(images.shape) < 0.7
    misfit, fitted = fit_misfit(images, drawn, seen)
    assert misfit.slope == pytest.approx(0.03, rel=0.03) and fitted.slope == pytest.approx(0.03, rel=0.03)


def test_fit_misfit_takes_the_geometric_mean_of_seen_and_hidden_pixels():
    drawn, images = simulated(slope=0.03)
    seen = np.broadcast_to(np.arange(28) < 14, (50, 1, 28, 28))
    images = np.where(seen, drawn + (images - drawn) / 2, drawn + (images - drawn) * 3)  # a quarter and nine times v
    misfit, fitted = fit_misfit(images, drawn, seen)
    assert fitted.slope == pytest.approx(0.03 / 4, rel=0.03)
    assert misfit.slope == pytest.approx(0.03 * 3 / 2, rel=0.03)
