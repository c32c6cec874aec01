"""A prior: codes to images in any batches, and a trained one from its file if it fits the images to restore."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.networks import network_writer
from stages.pipeline.storage import publish
from stages.priors.flow import Flow, initialise_flow
from stages.priors.misfit import Misfit
from stages.priors.networks import Discriminator, Generator
from stages.restoration.latent.prior import LatentPrior, load_prior

MISFIT = Misfit(0.03)


@pytest.fixture
def path(tmp_path, monkeypatch, tiny_generator) -> Path:
    """Where the tiny generator is saved, in a project of its own."""
    monkeypatch.chdir(tmp_path)
    path = artifacts.generator("minimax")
    publish({path: network_writer(tiny_generator)})
    return path


def test_codes_are_drawn_each_by_itself_whatever_the_batches(prior, tiny_generator, search, exact):
    codes = search.draw_prior(20)
    images = prior.draw(codes, exact)
    assert images.shape == (20, 1, 28, 28) and images.dtype == np.float32 and images.flags.c_contiguous
    assert images.min() >= 0 and images.max() <= 1
    for search_batch in (1, 64):
        other = prior.draw(codes, replace(exact, search_batch=search_batch))
        np.testing.assert_allclose(other, images, rtol=0, atol=1e-6)


@pytest.fixture
def with_flow(prior) -> LatentPrior:
    flow = Flow(latent_dim=4, couplings=3, width=8)
    initialise_flow(flow, torch.Generator().manual_seed(0))
    for part in flow.parts:
        part.network[-1].weight.data.normal_(generator=torch.Generator().manual_seed(1))
    return replace(prior, flow=flow.requires_grad_(False))


def test_a_flow_gives_the_generator_its_codes(with_flow, prior, search, exact):
    u = torch.from_numpy(search.draw_prior(3))
    assert not torch.allclose(with_flow.codes(u), u, atol=0.1) and torch.equal(prior.codes(u), u)
    torch.testing.assert_close(with_flow.generate(u), prior.generator(with_flow.flow(u)))


@pytest.mark.parametrize("latent", ["normal", "flow"])
def test_the_energy_of_codes_and_its_curvature(with_flow, prior, search, latent):
    own = {"normal": prior, "flow": with_flow}[latent]
    codes = own.codes(torch.from_numpy(search.draw_prior(5)))
    density = own.flow.log_density(codes) if own.flow else torch.distributions.Normal(0, 1).log_prob(codes).sum(dim=1)
    energy = own.code_energy(codes)
    torch.testing.assert_close(energy - energy[0], density[0] - density, rtol=1e-4, atol=1e-4)
    for code, found in zip(codes, own.code_curvature(codes), strict=True):
        inverse = torch.autograd.functional.jacobian(lambda z: own.flow.inverse(z[None])[0][0] if own.flow else z, code)
        torch.testing.assert_close(found, inverse.T @ inverse, rtol=1e-4, atol=1e-4)


def test_with_another_misfit_a_prior_draws_the_same(prior, search, exact):
    other = prior.with_misfit(MISFIT)
    assert other.misfit == MISFIT and prior.misfit != MISFIT
    assert np.array_equal(other.draw(search.draw_prior(3), exact), prior.draw(search.draw_prior(3), exact))


@pytest.mark.usefixtures("path")
def test_a_loaded_prior_draws_what_the_trained_generator_draws(prior, search, images, exact):
    loaded = load_prior("minimax", MISFIT, exact, images)
    assert (loaded.latent_dim, loaded.misfit) == (4, MISFIT)
    codes = search.draw_prior(20)
    np.testing.assert_allclose(loaded.draw(codes, exact), prior.draw(codes, exact), rtol=0, atol=1e-5)


@pytest.mark.usefixtures("path")
def test_without_images_to_restore_any_shape_will_do(search, exact):
    drawn = load_prior("minimax", MISFIT, exact).draw(search.draw_prior(2), exact)
    assert drawn.shape == (2, 1, 28, 28)


@pytest.mark.parametrize("shape", [(3, 28, 28), (1, 32, 32), (1, 28, 32)])
def test_a_generator_of_other_images_is_refused(path, exact, shape):
    with pytest.raises(UserError) as refusal:
        load_prior("minimax", MISFIT, exact, np.zeros((2, *shape), dtype=np.float32))
    expected = f"{path}: draws images of shape (1, 28, 28), to restore are {shape}: run `dvc repro`"
    assert str(refusal.value) == expected


def test_a_generator_of_colour_images_is_refused_for_grey_ones(path, search, images, exact):
    publish({path: network_writer(Generator(latent_dim=4, width=8, channels=3, image_size=32))})
    with pytest.raises(UserError, match=r"draws images of shape \(3, 32, 32\), to restore are \(1, 28, 28\)"):
        load_prior("minimax", MISFIT, exact, images)
    colour = load_prior("minimax", MISFIT, exact, np.zeros((2, 3, 32, 32), np.float32))
    assert colour.draw(search.draw_prior(2), exact).shape == (2, 3, 32, 32)


def test_a_file_that_is_no_generator_is_named(path, exact):
    publish({path: network_writer(Discriminator(width=8, channels=1, image_size=28))})
    with pytest.raises(UserError, match=rf"^{path}: not a Generator: "):
        load_prior("minimax", MISFIT, exact)
    path.write_bytes(b"weights")
    with pytest.raises(UserError, match=rf"^{path}: not a readable safetensors file"):
        load_prior("minimax", MISFIT, exact)
    path.unlink()
    with pytest.raises(UserError, match=rf"^{path}: no such file; `dvc repro` makes it"):
        load_prior("minimax", MISFIT, exact)
