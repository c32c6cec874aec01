"""Priors without a discriminator: the bound that a VAE maximises, and the codes of GLO."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.testing import assert_close

from stages.pipeline.params import Train
from stages.priors.evidence import FIRST_SLOPE, LearnedMisfit, draw_posterior
from stages.priors.losses.glo import first_codes
from stages.priors.misfit import Misfit
from stages.priors.networks import Encoder, initialise
from stages.priors.training import Setting, load_loss, train

SETTINGS = Train(
    epochs=4,
    batch_size=20,
    discriminator_steps=1,
    learning_rate=0.005,
    beta1=0.5,
    beta2=0.999,
    latent_dim=6,
    width=8,
    sample_epochs=[1],
)


def blobs(count: int) -> np.ndarray:
    """Images of one bright spot each, (N, 1, 28, 28), uint8."""
    stream = np.random.default_rng(0)
    row, column = stream.uniform(6, 22, (2, count, 1, 1))
    y, x = np.mgrid[:28, :28]
    return (255 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 18)).astype(np.uint8)[:, None]


def test_the_learned_misfit_is_the_model_that_searches_use():
    images, drawn = torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4)
    expected = Misfit(FIRST_SLOPE).data_term(images - drawn, drawn, torch.zeros(())).sum(dim=(1, 2, 3))
    misfit = LearnedMisfit()
    assert_close(misfit(images, drawn), expected)
    (slope,) = torch.autograd.grad(misfit(images, drawn).sum(), misfit.log_slope)
    assert slope != 0


def test_draws_of_the_posterior_and_their_divergence(exact):
    encoder = Encoder(latent_dim=3, width=4, channels=1, image_size=28)
    initialise(encoder, torch.Generator().manual_seed(0))
    encoder.eval()
    images = torch.rand(5, 1, 28, 28)
    with torch.no_grad():
        mean, log_variance = encoder(images)
        draws = [draw_posterior(encoder, images, torch.Generator().manual_seed(seed), exact) for seed in range(400)]
    posterior = Normal(mean, (log_variance / 2).exp())
    assert_close(draws[0][1], kl_divergence(posterior, Normal(0.0, 1.0)).sum(dim=1))
    codes = torch.stack([code for code, _ in draws])
    assert_close(codes.mean(dim=0), mean, rtol=0, atol=0.3)
    assert_close(codes.std(dim=0), posterior.stddev, rtol=0.2, atol=0)


@pytest.mark.parametrize("name", ["vae", "glo"])
def test_the_loss_falls_and_images_come_out(exact, name):
    images = blobs(400)
    trained = train(name, Setting(images, SETTINGS, 0, exact))
    losses = [row["g_loss"] for row in trained.history]
    assert losses[-1] < losses[0]
    assert [row["g_steps"] for row in trained.history] == [20, 40, 60, 80]
    assert all(row["d_steps"] == 0 and row["d_loss"] is None for row in trained.history)
    assert set(trained.networks) == ({"encoder"} if name == "vae" else set())
    drawn = trained.samples[4] / 255
    assert abs(drawn.mean() - (images / 255).mean()) < 0.1


def test_first_codes_are_whitened_components(exact):
    images = np.random.default_rng(0).integers(0, 256, size=(300, 1, 28, 28), dtype=np.uint8)
    codes = first_codes(images, 10, torch.Generator().manual_seed(0))
    assert_close(codes.mean(dim=0), torch.zeros(10), rtol=0, atol=1e-4)
    assert_close(torch.cov(codes.T), torch.eye(10), rtol=0, atol=0.01)


def test_more_latents_than_components_start_at_random():
    codes = first_codes(blobs(50), 250, torch.Generator().manual_seed(0))
    assert codes.shape == (50, 250) and torch.isfinite(codes).all()
    assert 0.8 < codes[:, :40].std() < 1.2


def test_codes_stay_white_and_the_generator_follows(exact):
    """After an epoch codes have the second moment E[z z'] = I, and draw what they drew before."""
    images = blobs(400)
    learner = load_loss("glo").learner(Setting(images, SETTINGS, 0, exact))
    shown = torch.from_numpy(images).float() / 255
    for number in range(1, 20):
        places = torch.arange(20 * (number - 1), 20 * number)
        learner.step(shown[places], places, number)
    learner.codes += 0.3  # not about 0
    learner.generator.eval()
    before = learner.generator(learner.codes[:50])
    learner._whiten()
    assert_close(learner.codes.T @ learner.codes / len(learner.codes), torch.eye(6), rtol=0, atol=1e-3)
    assert_close(learner.generator(learner.codes[:50]), before, rtol=0, atol=1e-4)
