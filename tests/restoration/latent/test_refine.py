"""Codes of images, refined: nearer to what the generator draws, the same for any company, never worse."""

import torch
from torch.testing import assert_close

from stages.pipeline.params import FlowFit
from stages.priors.flow_fit import Codes, encode, fit_encoder
from stages.priors.misfit import Misfit
from stages.restoration.latent import refine as module
from stages.restoration.latent.refine import refine

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
    before = energies(tiny_generator, images, found.mean)
    moved = refine(tiny_generator, encoder, MISFIT, images, found, 1, 0, exact)
    walked = refine(tiny_generator, encoder, MISFIT, images, found, 20, 0, exact)
    after = [energies(tiny_generator, images, own.mean) for own in (moved, walked)]
    assert (after[0] <= before + 0.01).all() and (after[1] <= after[0] + 0.01).all()
    assert after[0].mean() < before.mean() and after[1].mean() < after[0].mean()
    assert torch.equal(walked.deviation, found.deviation)
    monkeypatch.setattr(module, "IN_MEMORY", 70)  # three parts
    some = Codes(found.mean[30:], found.deviation[30:])
    parts = refine(tiny_generator, encoder, MISFIT, images[30:], some, 20, 0, exact)
    assert_close(parts.mean, walked.mean[30:], rtol=0, atol=1e-4)
