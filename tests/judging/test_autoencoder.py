"""The autoencoder takes noise away, and learns the same again from the same seed."""

import numpy as np
import pytest
import torch

from stages.judging.autoencoder import Denoiser, train_denoiser
from stages.judging.classifier import Classifier
from stages.pipeline.params import Classify


@pytest.mark.parametrize("size", [14, 28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_comes_back_in_its_own_size(size, channels):
    denoiser = Denoiser(channels=channels, image_size=size).eval()
    images = torch.rand(2, channels, size, size)
    assert denoiser(images).shape == images.shape
    assert denoiser.features(images).shape == (2, 128)


def test_its_features_are_made_as_those_of_the_classifier():
    ours, theirs = (
        {name: weight.shape for name, weight in network.features.state_dict().items()}
        for network in (
            Denoiser(channels=3, image_size=64),
            Classifier(channels=3, image_size=64, classes=5),
        )
    )
    assert ours == theirs


def stripes(count: int) -> np.ndarray:
    """Images (N, 3, 16, 16) of a bright row on dark, and of a bright column."""
    images = np.full((count, 3, 16, 16), 40, dtype=np.uint8)
    places = np.random.default_rng(0).integers(1, 15, size=count)
    for number, place in enumerate(places):
        images[number, :, place] = 220
    images[::2] = images[::2].transpose(0, 1, 3, 2)
    return images


def test_it_takes_noise_away_and_learns_the_same_again(exact):
    settings = Classify(epochs=20, batch_size=20, learning_rate=0.003)
    denoiser = train_denoiser(stripes(300), settings, 0, exact)
    assert not denoiser.training and not any(weight.requires_grad for weight in denoiser.parameters())
    images = torch.from_numpy(stripes(50)).float() / 255
    noise = 0.5 * torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    error = (denoiser(images + noise) - images).square().mean()
    assert error < images.var(dim=0).mean() / 2 < noise.square().mean() / 10

    settings = settings.model_copy(update={"epochs": 1})
    first, again, other = (train_denoiser(stripes(60), settings, seed, exact) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
