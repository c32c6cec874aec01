"""The flow over images: one to one, with the determinant of its whole Jacobian, a density that integrates to one."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from stages.pipeline.errors import UserError
from stages.pipeline.networks import load_network, network_writer
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import GlowFit
from stages.pipeline.storage import publish
from stages.priors.flow import Coupling, normal_log_density
from stages.priors.glow import ChannelMix, Glow, dequantise, glow_bits, initialise_glow
from stages.priors.glow_fit import draw_images, fit_glow, image_bits

SETTINGS = GlowFit(steps=60, batch_size=16, learning_rate=0.01, steps_per_level=2, width=8)
SHAPES = [(1, 8, 2), (3, 4, 1), (3, 8, 3)]  # channels, image_size, levels


def far_from_its_start(flow: nn.Module) -> None:
    stream = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=stream)


def random_glow(channels: int, size: int, levels: int) -> Glow:
    """A flow that is far from affine, in float64."""
    glow = Glow(channels=channels, image_size=size, levels=levels, steps=3, width=8)
    stream = torch.Generator().manual_seed(0)
    initialise_glow(glow, torch.rand(64, channels, size, size, generator=stream), stream)
    far_from_its_start(glow)
    return glow.double().requires_grad_(False)


def some_images(channels: int, size: int, count: int = 3) -> Tensor:
    return torch.rand(count, channels, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("channels", "size", "levels"), SHAPES)
def test_a_flow_is_inverted_by_its_inverse(channels, size, levels):
    glow, x = random_glow(channels, size, levels), some_images(channels, size)
    u, _ = glow.inverse(x)
    assert u.shape == (3, glow.dimensions) and (u - x.flatten(1)).abs().max() > 0.5
    assert_close(glow(u), x, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("channels", "size", "levels"), SHAPES)
def test_the_log_determinant_is_that_of_the_whole_jacobian(channels, size, levels):
    glow, x = random_glow(channels, size, levels), some_images(channels, size)
    jacobians = torch.func.vmap(torch.func.jacrev(lambda image: glow.inverse(image[None])[0][0]))(x)
    square = jacobians.reshape(len(x), glow.dimensions, glow.dimensions)
    expected = torch.linalg.slogdet(square).logabsdet
    assert expected.abs().min() > 1
    assert_close(glow.inverse(x)[1], expected, rtol=1e-9, atol=1e-9)


def test_the_density_of_its_steps_in_two_dimensions_integrates_to_one():
    """Two channels of a single pixel."""
    stream = torch.Generator().manual_seed(3)
    mixes = [ChannelMix(2) for _ in range(3)]
    for mix in mixes:
        mix.start(torch.randn(50, 2, 1, 1, generator=stream), stream)
    couplings = [
        Coupling(torch.arange(2), nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1)))
        for _ in mixes
    ]
    parts = nn.ModuleList(itertools.chain(*zip(mixes, couplings, strict=True)))
    far_from_its_start(parts)
    parts.double().requires_grad_(False)
    step = 0.05
    axis = torch.arange(-20, 20, step, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    x, total = points[:, :, None, None], torch.zeros((), dtype=torch.float64)
    for part in parts:
        x, log_determinant = part.inverse(x)
        total = total + log_determinant
    density = (normal_log_density(x.flatten(1)) + total).exp()
    assert density.max() > 2 * density[density > 1e-6].median()
    assert abs(density.sum().item() * step**2 - 1) < 1e-3


def test_it_starts_as_rotations_of_normalised_channels():
    """A linear map, whose density is that of a Gaussian; at the first level each channel has variance 1."""
    glow = Glow(channels=1, image_size=4, levels=1, steps=1, width=4)
    stream = torch.Generator().manual_seed(0)
    x = dequantise(torch.randint(0, 256, (500, 1, 4, 4), dtype=torch.uint8, generator=stream), stream)
    initialise_glow(glow, x, stream)
    u, log_determinant = glow.inverse(x)
    assert_close(u.unflatten(1, (4, 4)).mean(dim=(0, 2)), torch.zeros(4), rtol=0, atol=1e-4)
    assert u.square().mean().item() == pytest.approx(1, abs=1e-3)
    deviations = x[:, 0].reshape(500, 2, 2, 2, 2).permute(2, 4, 0, 1, 3).flatten(2).std(dim=2)
    assert_close(log_determinant, (-4 * deviations.log().sum()).expand(500), rtol=1e-4, atol=1e-4)


def test_levels_are_spread_over_their_cells():
    images = torch.tensor([0, 1, 255], dtype=torch.uint8).expand(400, 1, 1, 3)
    x = dequantise(images, torch.Generator().manual_seed(0))
    assert torch.equal((x * 256).floor().byte(), images)
    spread = x * 256 - images
    assert spread.min() >= 0 and spread.max() < 1 and spread.mean().item() == pytest.approx(0.5, abs=0.05)


def test_a_uniform_density_costs_eight_bits_and_a_gaussian_its_entropy():
    """The bits of images whose density is known: a flow that is one affine map."""

    class Known(Glow):
        def __init__(self, log_density: Tensor):
            super().__init__(channels=1, image_size=4, levels=1, steps=1, width=4)
            self.known = log_density

        def log_density(self, x: Tensor) -> Tensor:
            return self.known

    uniform, twice_as_dense = torch.tensor(0.0), 16 * torch.tensor(2.0).log()
    bits = glow_bits(Known(torch.stack([uniform, twice_as_dense])), torch.zeros(2, 1, 4, 4))
    assert_close(bits, torch.tensor([8.0, 7.0]))


def stripes(count: int, channels: int = 1, size: int = 28, seed: int = 0) -> np.ndarray:
    """Images (count, channels, size, size), uint8, of one dark and one bright half each, with little noise."""
    stream = np.random.default_rng(seed)
    edges = stream.integers(size // 4, 3 * size // 4, size=(count, 1, 1, 1))
    levels = np.where(np.arange(size) < edges, 40, 200)
    return (levels + stream.integers(-8, 9, size=(count, channels, size, size))).astype(np.uint8)


@pytest.fixture(scope="module")
def fitted():
    exact = Compute(torch.device("cpu"), bfloat16=False, search_batch=8)
    return fit_glow(stripes(300), stripes(40, seed=1), SETTINGS, 0, exact)


def test_a_flow_learns_what_images_look_like(fitted, exact):
    glow, history = fitted
    assert [row["step"] for row in history] == list(range(6, 61, 6))
    images = stripes(40, seed=2)
    bits = image_bits(glow, images, 0, exact)
    assert bits.shape == (40,) and bits.mean() == pytest.approx(min(row["validation"] for row in history), abs=0.1)
    assert bits.mean() < history[0]["validation"] - 0.5
    noise = np.random.default_rng(0).integers(0, 256, size=images.shape, dtype=np.uint8)
    shuffled = np.random.default_rng(0).permuted(images, axis=3)
    assert image_bits(glow, noise, 0, exact).mean() > bits.mean() + 2
    assert image_bits(glow, shuffled, 0, exact).mean() > bits.mean() + 1


@pytest.mark.parametrize("steps", [1, 2, 19, 39])
def test_a_flow_is_fitted_in_any_number_of_steps(exact, steps):
    settings = SETTINGS.model_copy(update={"steps": steps, "batch_size": 4})
    _, history = fit_glow(stripes(20), stripes(10, seed=1), settings, 0, exact)
    assert history[-1]["step"] == steps


def test_bits_of_an_image_are_the_same_in_each_call_and_almost_so_in_other_company(fitted, exact):
    glow, _ = fitted
    images = stripes(6, seed=3)
    bits = image_bits(glow, images, 0, exact)
    assert np.array_equal(bits, image_bits(glow, images, 0, exact))
    assert_close(torch.from_numpy(image_bits(glow, images[:2], 0, exact)), torch.from_numpy(bits[:2]))


def test_what_it_draws_costs_about_what_it_was_fitted_to(fitted, exact):
    glow, history = fitted
    drawn = draw_images(glow, 64, 0, exact)
    assert drawn.shape == (64, 1, 28, 28) and drawn.dtype == np.uint8
    assert np.array_equal(drawn, draw_images(glow, 64, 0, exact))
    assert image_bits(glow, drawn, 0, exact).mean() == pytest.approx(history[-1]["train"], abs=1)


def test_fitting_repeats_itself_and_is_saved_whole(exact, tmp_path):
    few, images = SETTINGS.model_copy(update={"steps": 2}), stripes(20)
    first, again, other = (fit_glow(images, images, few, seed, exact)[0] for seed in (0, 0, 1))
    weights = [own.state_dict() for own in (first, again, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert any(not torch.equal(weights[0][name], weights[2][name]) for name in weights[0])
    publish({tmp_path / "glow.safetensors": network_writer(first)})
    read = load_network(Glow, tmp_path / "glow.safetensors")
    assert np.array_equal(image_bits(read, images, 0, exact), image_bits(first, images, 0, exact))


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32), (3, 64)])
def test_images_of_any_size_and_colour(channels, size, exact):
    few = SETTINGS.model_copy(update={"steps": 2, "batch_size": 4})
    images = stripes(8, channels, size)
    glow, _ = fit_glow(images, images, few, 0, exact)
    assert np.isfinite(image_bits(glow, images, 0, exact)).all()
    assert draw_images(glow, 2, 0, exact).shape == (2, channels, size, size)


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match="image_size = 6: allowed are multiples of 4"):
        Glow(channels=1, image_size=6, levels=2, steps=1, width=4)


def test_divergence_is_one_line_with_the_rate(exact, monkeypatch):
    monkeypatch.setattr("stages.priors.glow_fit.LARGEST_GRADIENT", float("nan"))
    with pytest.raises(UserError, match=r"glow.learning_rate = 0.01: the flow over images diverged before step 1"):
        fit_glow(stripes(20), stripes(4), SETTINGS.model_copy(update={"steps": 2}), 0, exact)
