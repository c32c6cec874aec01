"""Training: the same bytes from the same seed, the promised number of steps, a clear end when it diverges."""

import math

import numpy as np
import pytest
import torch

from stages.gan.losses import LOSSES
from stages.gan.training import train
from stages.pipeline.errors import UserError

SETTINGS = {
    "seed": 0,
    "epochs": 2,
    "batch_size": 16,
    "discriminator_steps": 3,
    "learning_rate": 0.0002,
    "beta1": 0.5,
    "beta2": 0.999,
    "latent_dim": 4,
    "width": 4,
    "sample_epochs": [1],
}


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(100, 1, 28, 28), dtype=np.uint8)


def weights(network) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("loss", LOSSES)
def test_two_runs_give_the_same_bytes(images, exact, loss):
    first, second = (train(images, loss=loss, compute=exact, **SETTINGS) for _ in range(2))
    assert weights(first.generator) == weights(second.generator)
    assert weights(first.discriminator) == weights(second.discriminator)
    assert first.history == second.history


def test_the_global_random_state_does_not_matter(images, exact):
    torch.manual_seed(1)
    first = train(images, loss="minimax", compute=exact, **SETTINGS)
    torch.manual_seed(2)
    assert weights(train(images, loss="minimax", compute=exact, **SETTINGS).generator) == weights(first.generator)


def test_another_seed_gives_another_generator(images, exact):
    first = train(images, loss="minimax", compute=exact, **SETTINGS)
    second = train(images, loss="minimax", compute=exact, **(SETTINGS | {"seed": 1}))
    assert weights(first.generator) != weights(second.generator)


def test_steps_and_history(images, exact):
    gan = train(images, loss="non_saturating", compute=exact, **SETTINGS)
    # 100 images are 6 whole batches of 16 an epoch; every third discriminator step is followed by a generator step.
    assert [(row["epoch"], row["d_steps"], row["g_steps"]) for row in gan.history] == [(1, 6, 2), (2, 12, 4)]
    for row in gan.history:
        assert all(math.isfinite(value) for value in row.values())
        assert 0 <= row["d_accuracy"] <= 1
        assert 0 < row["loss_slope"] < 1


def test_samples_of_the_asked_epochs_and_the_last(images, exact):
    gan = train(images, loss="least_squares", compute=exact, **SETTINGS)
    assert list(gan.samples) == [1, 2]
    for grid in gan.samples.values():
        assert grid.shape == (64, 1, 28, 28) and grid.dtype == np.uint8


def test_drawing_samples_does_not_change_training(images, exact):
    with_samples = train(images, loss="least_squares", compute=exact, **SETTINGS)
    without = train(images, loss="least_squares", compute=exact, **(SETTINGS | {"sample_epochs": []}))
    assert weights(with_samples.generator) == weights(without.generator)


def test_a_saturated_loss_leaves_less_gradient(images, exact):
    """From the same start the fakes are rejected alike, and the slopes differ as the formulas say."""
    minimax, non_saturating = (
        train(images, loss=loss, compute=exact, **(SETTINGS | {"epochs": 1})) for loss in ("minimax", "non_saturating")
    )
    assert minimax.history[0]["loss_slope"] < non_saturating.history[0]["loss_slope"]
    total = minimax.history[0]["loss_slope"] + non_saturating.history[0]["loss_slope"]
    assert abs(total - 1) < 0.05  # sigmoid(l) and 1 - sigmoid(l), at nearly the same logits


def test_divergence_names_the_epoch_and_the_last_finite_values(images, exact, monkeypatch):
    def explode(self):
        values = finite(self)
        self.calls = getattr(type(self), "calls", 0) + 1
        type(self).calls = self.calls
        return values if self.calls == 1 else values | {"d_loss": math.nan}

    from stages.gan import training

    finite = training._Sums.means
    monkeypatch.setattr(training._Sums, "means", explode)
    with pytest.raises(UserError, match=r"loss minimax, epoch 2: d_loss not finite.*last finite epoch: epoch 1"):
        train(images, loss="minimax", compute=exact, **SETTINGS)
