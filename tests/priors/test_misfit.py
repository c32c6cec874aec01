"""The misfit: its variance, density and information, what it makes of an observation, how it is found and kept."""

import json

import numpy as np
import pytest
import torch
from torch.distributions import Normal
from torch.func import grad, vmap
from torch.testing import assert_close

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import publish
from stages.priors.misfit import FLOOR, STEEPEST, Misfit, fit_misfit, load_misfit, misfit_writer

MISFIT = Misfit(slope=0.02)
BRIGHTNESS = torch.tensor([0.0, 0.01, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)


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


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project, in which the test runs."""
    monkeypatch.chdir(tmp_path)


def write(text: str) -> None:
    path = artifacts.misfit("minimax")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("slopes", [(0.02, 0.01), (0.0, 0.0), (STEEPEST, 1 / 3)])
def test_what_is_saved_comes_back(slopes):
    misfits = Misfit(slopes[0]), Misfit(slopes[1])
    publish({artifacts.misfit("minimax"): misfit_writer(*misfits)})
    assert load_misfit("minimax") == misfits


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("brightness", [0.0, 1e-30, 1e-4, 0.5, 1.0])
def test_what_is_found_of_a_generator_that_draws_one_shade_can_be_loaded(brightness):
    images = np.random.default_rng(0).random((5, 1, 28, 28), dtype=np.float32)
    seen = np.random.default_rng(1).random(images.shape) < 0.9
    misfits = fit_misfit(images, np.full_like(images, brightness), seen)
    publish({artifacts.misfit("minimax"): misfit_writer(*misfits)})
    assert load_misfit("minimax") == misfits


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("key", ["slope", "fitted_slope"])
@pytest.mark.parametrize(
    "value",
    ["-0.01", "2.5", "1e300", "1" + 400 * "0", "NaN", "Infinity", "-Infinity", '"0.02"', "null", "true", "[0.02]"],
)
def test_a_slope_that_is_none_is_refused(key, value):
    write(json.dumps({"slope": 0.02, "fitted_slope": 0.01, key: "here"}).replace('"here"', value))
    with pytest.raises(UserError, match=rf"^data/misfit/minimax\.json: {key} = .*: allowed is 0 to 2$"):
        load_misfit("minimax")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("key", ["slope", "fitted_slope"])
def test_a_missing_slope_is_named(key):
    write(json.dumps({name: 0.02 for name in ("slope", "fitted_slope") if name != key}))
    with pytest.raises(UserError, match=rf"data/misfit/minimax\.json: {key} = None: allowed is 0 to 2"):
        load_misfit("minimax")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("text", ["", "{", "0.02", "[0.02, 0.01]", "null", '{"slope": 0.02, "fitted', "\x00\xff"])
def test_what_is_no_object_is_refused(text):
    write(text)
    with pytest.raises(UserError, match=r"^data/misfit/minimax\.json: not a readable JSON object.*$"):
        load_misfit("minimax")


@pytest.mark.usefixtures("project")
def test_a_missing_file_and_a_folder_in_its_place_are_refused():
    with pytest.raises(UserError, match=r"data/misfit/minimax\.json: no such file; `dvc repro` makes it"):
        load_misfit("minimax")
    artifacts.misfit("minimax").mkdir(parents=True)
    with pytest.raises(UserError, match=r"data/misfit/minimax\.json: not a file"):
        load_misfit("minimax")
