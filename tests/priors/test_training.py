"""Training: the same bytes from the same seed, the promised number of steps, a clear end when it diverges."""

import math

import numpy as np
import pytest
import torch

from stages.pipeline import named
from stages.pipeline.checkpoint import Checkpoint
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import Train
from stages.pipeline.storage import Row
from stages.priors import training
from stages.priors.adversarial import Players
from stages.priors.training import Means, Setting, Trained
from stages.priors.training import train as train_prior

SETTINGS = Train(
    epochs=2,
    batch_size=16,
    discriminator_steps=3,
    learning_rate=0.0002,
    beta1=0.5,
    beta2=0.999,
    latent_dim=4,
    width=4,
    sample_epochs=[1],
)


@pytest.fixture(autouse=True)
def few_codes(monkeypatch) -> None:
    """BatchNorm's statistics over fewer codes, which would take most of the time."""
    monkeypatch.setattr(training, "BATCH_NORM_CODES", 1000)


def train(images, name, settings, seed, compute, checkpoint=None) -> Trained:
    return train_prior(name, Setting(images, settings, seed, compute), checkpoint)


def other(**changes) -> Train:
    """The settings with some that params.yaml may not even allow."""
    return SETTINGS.model_copy(update=changes)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(100, 1, 28, 28), dtype=np.uint8)


def weights(network) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in network.state_dict().items()}


def generators(gan) -> dict[int, dict[str, bytes]]:
    return {epoch: weights(generator) for epoch, generator in gan.generators.items()}


@pytest.mark.parametrize("loss", named.names(named.LOSSES))
def test_two_runs_give_the_same_bytes(images, exact, loss):
    first, second = (train(images, loss, SETTINGS, 0, exact) for _ in range(2))
    assert generators(first) == generators(second)
    assert first.networks.keys() == second.networks.keys()
    assert all(weights(own) == weights(second.networks[network]) for network, own in first.networks.items())
    assert first.history == second.history


def test_the_global_random_state_does_not_matter(images, exact):
    torch.manual_seed(1)
    first = train(images, "minimax", SETTINGS, 0, exact)
    torch.manual_seed(2)
    assert generators(train(images, "minimax", SETTINGS, 0, exact)) == generators(first)


def test_another_seed_gives_another_generator(images, exact):
    first = train(images, "minimax", SETTINGS, 0, exact)
    second = train(images, "minimax", SETTINGS, 1, exact)
    assert generators(first) != generators(second)


def test_steps_and_history(images, exact):
    gan = train(images, "non_saturating", SETTINGS, 0, exact)
    # 100 images are 6 whole batches of 16 an epoch; every third discriminator step is followed by a generator step.
    assert [(row["epoch"], row["d_steps"], row["g_steps"]) for row in gan.history] == [(1, 6, 2), (2, 12, 4)]
    for row in gan.history:
        assert all(math.isfinite(value) for value in row.values())
        assert 0 <= row["d_accuracy"] <= 1
        assert 0 < row["loss_slope"] < 1


def test_generators_and_samples_of_the_asked_epochs_and_the_last(images, exact):
    gan = train(images, "least_squares", other(sample_epochs=[1, 5]), 0, exact)
    assert list(gan.generators) == list(gan.samples) == [1, 2]
    assert generators(gan)[1] != generators(gan)[2]
    assert not any(generator.training for generator in gan.generators.values())
    for grid in gan.samples.values():
        assert grid.shape == (64, 1, 28, 28) and grid.dtype == np.uint8


def test_keeping_a_generator_does_not_change_training(images, exact):
    with_samples = train(images, "least_squares", SETTINGS, 0, exact)
    without = train(images, "least_squares", other(sample_epochs=[]), 0, exact)
    assert generators(with_samples)[2] == generators(without)[2]


def test_a_saturated_loss_leaves_less_gradient(images, exact):
    """From the same start the fakes are rejected alike, and the slopes differ as the formulas say."""
    minimax, non_saturating = (train(images, loss, other(epochs=1), 0, exact) for loss in ("minimax", "non_saturating"))
    assert minimax.history[0]["loss_slope"] < non_saturating.history[0]["loss_slope"]
    total = minimax.history[0]["loss_slope"] + non_saturating.history[0]["loss_slope"]
    assert abs(total - 1) < 0.05  # sigmoid(l) and 1 - sigmoid(l), at nearly the same logits


def test_divergence_at_once_says_that_nothing_was_finite(images, exact, monkeypatch):
    finite = Means.take
    monkeypatch.setattr(Means, "take", lambda self: finite(self) | {"d_loss": math.nan})
    with pytest.raises(UserError, match=r"prior minimax, epoch 1: d_loss not finite.*last finite epoch: none"):
        train(images, "minimax", SETTINGS, 0, exact)


def test_a_rate_far_too_large_is_seen_to_diverge(images, exact):
    with pytest.raises(UserError, match=r"training diverged: prior least_squares"):
        train(images, "least_squares", other(learning_rate=1e30), 0, exact)


class KilledError(Exception):
    """Stands for a process that ends between two steps."""


class FragileCheckpoint(Checkpoint):
    """Ends the run just after it has kept so many epochs."""

    last_epoch: int

    def save(self, tensors, history):
        super().save(tensors, history)
        if len(history) == self.last_epoch:
            raise KilledError


@pytest.mark.parametrize("bfloat16", [False, True])
@pytest.mark.parametrize("last_epoch", [1, 10, 11])
@pytest.mark.parametrize("name", ["non_saturating", "vae", "glo"])
def test_a_run_that_goes_on_ends_in_the_bytes_of_an_unbroken_one(images, tmp_path, name, last_epoch, bfloat16):
    compute = Compute(torch.device("cpu"), bfloat16, search_batch=8)
    settings = other(epochs=11, sample_epochs=[2, 3, 10])
    unbroken = train(images, name, settings, 0, compute)

    FragileCheckpoint.last_epoch = last_epoch
    with pytest.raises(KilledError):
        train(images, name, settings, 0, compute, FragileCheckpoint(tmp_path))
    resumed = train(images, name, settings, 0, compute, Checkpoint(tmp_path))

    assert generators(resumed) == generators(unbroken)
    assert all(weights(own) == weights(resumed.networks[network]) for network, own in unbroken.networks.items())
    assert resumed.history == unbroken.history
    assert list(resumed.samples) == list(unbroken.samples)
    assert all(np.array_equal(resumed.samples[epoch], grid) for epoch, grid in unbroken.samples.items())


def test_keeping_checkpoints_does_not_change_a_run(images, exact, tmp_path):
    kept = train(images, "minimax", SETTINGS, 0, exact, Checkpoint(tmp_path))
    assert generators(kept) == generators(train(images, "minimax", SETTINGS, 0, exact))


def test_divergence_leaves_the_last_good_checkpoint(images, exact, tmp_path, monkeypatch):
    FragileCheckpoint.last_epoch = 1
    with pytest.raises(KilledError):
        train(images, "minimax", SETTINGS, 0, exact, FragileCheckpoint(tmp_path))
    good = Checkpoint(tmp_path).path.read_bytes()
    finite = Means.take
    monkeypatch.setattr(Means, "take", lambda self: finite(self) | {"g_loss": math.inf})
    with pytest.raises(UserError, match=r"prior minimax, epoch 2: g_loss not finite.*last finite epoch: epoch 1"):
        train(images, "minimax", SETTINGS, 0, exact, Checkpoint(tmp_path))
    assert Checkpoint(tmp_path).path.read_bytes() == good


def test_a_checkpoint_of_another_network_is_named(images, exact, tmp_path):
    train(images, "minimax", SETTINGS, 0, exact, Checkpoint(tmp_path))
    wider = other(width=8)
    with pytest.raises(UserError, match="not a checkpoint of this training"):
        train(images, "minimax", wider, 0, exact, Checkpoint(tmp_path))


@pytest.mark.parametrize("place", [0, -1])
def test_weights_that_are_not_finite_are_never_kept(images, exact, tmp_path, monkeypatch, place):
    """Losses are measured before each step, so they do not show that the last step of an epoch broke the weights."""
    finite = Players.epoch_means

    def spoil(self: Players) -> Row:
        with torch.no_grad():
            list(self.generator.parameters())[place].view(-1)[-1] = math.nan
        return finite(self)

    monkeypatch.setattr(Players, "epoch_means", spoil)
    with pytest.raises(UserError, match="generator weight not finite"):
        train(images, "minimax", SETTINGS, 0, exact, Checkpoint(tmp_path))
    assert not Checkpoint(tmp_path).path.exists()


@pytest.mark.parametrize("count", [0, 15, 47])
def test_too_few_images_for_a_generator_step_are_refused_as_such(images, exact, count):
    with pytest.raises(UserError) as caught:
        train(images[:count], "minimax", SETTINGS, 0, exact)
    assert str(caught.value) == (
        f"{count} training images: allowed are at least 48, train.batch_size * train.discriminator_steps"
    )


def test_just_enough_images_for_a_generator_step(images, exact):
    gan = train(images[:48], "minimax", SETTINGS, 0, exact)
    assert [(row["d_steps"], row["g_steps"]) for row in gan.history] == [(3, 1), (6, 2)]
