"""Codes of images, refined: nearer to what the generator draws, the same for any company, never worse."""

from dataclasses import replace

import torch
from torch.testing import assert_close

from stages.pipeline.params import FlowFit
from stages.priors.flow_fit import Codes, encode, fit_encoder
from stages.priors.misfit import Misfit
from stages.priors.networks import Encoder, Generator
from stages.restoration import refine as module
from stages.restoration.refine import average_axes, refine

SETTINGS = FlowFit(encoder_epochs=20, refine_steps=20, batch_size=20, steps=1, learning_rate=0.01, couplings=1, width=1)
MISFIT = Misfit(0.01)


def energies(generator, images, codes) -> torch.Tensor:
    drawn = generator(codes)
    terms = MISFIT.data_term(torch.from_numpy(images) / 255 - drawn, drawn, torch.zeros(()))
    return terms.sum(dim=(1, 2, 3)) + codes.square().sum(dim=1) / 2


def test_refined_codes_have_less_energy_whatever_else_is_refined(tiny_generator, exact, monkeypatch):
    codes = torch.randn(200, 4, generator=torch.Generator().manual_seed(5))
    images = (tiny_generator(codes) * 255).round().byte().numpy()
    encoder = fit_encoder(tiny_generator, MISFIT, images[:160], SETTINGS, 0, exact)
    found = encode(encoder, images, exact)
    axes = average_axes(tiny_generator, MISFIT, 0, exact)
    before = energies(tiny_generator, images, found.mean)
    monkeypatch.setattr(module, "MOVES", 0)
    walked = refine(tiny_generator, encoder, MISFIT, images, found, 20, axes, "", exact)
    monkeypatch.undo()
    both = refine(tiny_generator, encoder, MISFIT, images, found, 20, axes, "", exact)
    after = [energies(tiny_generator, images, own.mean) for own in (walked, both)]
    assert all((own <= before + 0.01).all() for own in after)
    assert after[0].mean() < before.mean() - 1 and after[1].mean() < after[0].mean()
    assert torch.equal(both.deviation, found.deviation)
    monkeypatch.setattr(module, "IN_MEMORY", 70)  # three parts
    some = Codes(found.mean[30:], found.deviation[30:])
    parts = refine(tiny_generator, encoder, MISFIT, images[30:], some, 20, axes, "", exact)
    assert_close(parts.mean, both.mean[30:], rtol=0, atol=1e-4)


def test_axes_make_the_average_curvature_even(tiny_generator, exact):
    (axes,) = average_axes(tiny_generator, MISFIT, 0, exact)
    codes = torch.randn(2000, 4, generator=torch.Generator().manual_seed(1))
    slopes = torch.func.vmap(torch.func.jacfwd(lambda z: tiny_generator(z[None])[0].flatten()))(codes)
    weights = MISFIT.information(tiny_generator(codes), torch.zeros(())).flatten(1)[:, :, None]
    curvature = (slopes.mT @ (slopes * weights)).mean(dim=0) + torch.eye(4)
    assert_close(axes.T @ curvature @ axes, torch.eye(4), rtol=0, atol=0.3)


def test_pictures_in_colour_are_refined_one_by_one(exact):
    generator = Generator(latent_dim=4, width=2, channels=3, image_size=64).eval().requires_grad_(False)
    encoder = Encoder(**generator.arguments).eval().requires_grad_(False)
    images = (generator(torch.randn(3, 4, generator=torch.Generator().manual_seed(0))) * 255).byte().numpy()
    one = replace(exact, search_batch=1)
    found = encode(encoder, images, one)
    axes = average_axes(generator, MISFIT, 0, one)
    refined = refine(generator, encoder, MISFIT, images, found, 5, axes, "", one)
    assert refined.mean.shape == (3, 4) and torch.isfinite(refined.mean).all()
