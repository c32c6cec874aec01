"""Training of one prior: passes over the training images, whatever its loss makes of each batch."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from stages.images.stored import Images
from stages.pipeline import artifacts, named
from stages.pipeline.checkpoint import Checkpoint
from stages.pipeline.command import say
from stages.pipeline.errors import UserError
from stages.pipeline.networks import SavedNetwork, network_writer
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.pixels import tensor_to_float, to_uint8
from stages.pipeline.numerics.rates import cosine, set_rate
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import Train
from stages.pipeline.progress import Progress
from stages.pipeline.storage import Row, Writer, array_writer, table_writer
from stages.priors.networks import Generator, initialise, recompute_batch_norm
from stages.priors.trained import HISTORY, HISTORY_FILE, SAMPLES

BATCH_NORM_CODES = 20_000  # behind the BatchNorm statistics of a saved generator
SAMPLE_COUNT = 64  # images in a sample grid, from the same codes at every epoch and for every prior


@dataclass(frozen=True)
class Setting:
    """What a prior is trained on and with."""

    images: Images  # training images (N, C, S, S), uint8; they go to the device by the batch
    params: Train
    seed: int  # of the study: every prior gets the same initial generator, data order and sample codes
    compute: Compute

    @property
    def steps_per_epoch(self) -> int:
        return len(self.images) // self.params.batch_size

    def generator(self) -> Generator:
        """The generator as every prior starts with it, on the device."""
        _, channels, size, _ = self.images.shape
        generator = Generator(
            latent_dim=self.params.latent_dim, width=self.params.width, channels=channels, image_size=size
        )
        initialise(generator, torch_stream(self.seed, "initial weights", "generator"))
        return self.compute.place_network(generator)


@dataclass(frozen=True)
class Part:
    """A network that learns, and the Adam that moves it."""

    network: nn.Module
    adam: torch.optim.Optimizer


class Learner(ABC):
    """A generator that learns batch by batch, with all that changes from step to step."""

    def __init__(self, generator: Generator, parts: dict[str, Part], streams: dict[str, torch.Generator]):
        self.generator, self.parts, self.streams = generator, parts, streams

    @abstractmethod
    def step(self, images: Tensor, places: Tensor, number: int) -> None:
        """Learn from a batch: images (B, C, S, S) in [0, 1], which stand at `places` (B,) among the training images.

        `number` is how many batches there have been, this one too.
        """

    @abstractmethod
    def epoch_means(self) -> Row:
        """The epoch's row of the history: means since the last call."""

    @abstractmethod
    def steps(self, batches: int) -> tuple[int, int]:
        """How many steps the discriminator and the generator have taken after so many batches."""

    @abstractmethod
    def draw_codes(self, count: int) -> Tensor:
        """Codes (count, latent_dim), on the device, as the generator got them in training; the same in every call."""

    def saved_networks(self) -> dict[str, SavedNetwork]:
        """What is kept beside the generator, in eval mode."""
        return {}

    def largest_weights(self) -> dict[str, float]:
        """The largest absolute weight of each network: NaN or infinity if any weight is."""
        return {
            f"{name} weight": torch.stack([own.abs().max() for own in part.network.parameters()]).max().item()
            for name, part in self.parts.items()
        }

    def state(self) -> dict[str, Tensor]:
        """Weights, Adam's averages and the streams, as tensors by name."""
        tensors = {name: stream.get_state() for name, stream in self.streams.items()}
        for name, part in self.parts.items():
            tensors |= {f"{name}.{key}": tensor for key, tensor in part.network.state_dict().items()}
            for index, parameter in enumerate(part.network.parameters()):
                own = part.adam.state[parameter].items()
                tensors |= {f"{name}_adam.{index}.{key}": torch.as_tensor(value) for key, value in own}
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Continue exactly where `state` was taken. Raises KeyError or RuntimeError for a state of other networks."""
        for name, stream in self.streams.items():
            stream.set_state(tensors[name])
        for name, part in self.parts.items():
            part.network.load_state_dict({key: tensors[f"{name}.{key}"] for key in part.network.state_dict()})
            for index, parameter in enumerate(part.network.parameters()):
                step = tensors[f"{name}_adam.{index}.step"].to(parameter.device)
                part.adam.state[parameter] = {"step": step} | {
                    # In the parameter's own memory layout, which the fused kernel walks through.
                    key: torch.empty_like(parameter).copy_(tensors[f"{name}_adam.{index}.{key}"])
                    for key in ("exp_avg", "exp_avg_sq")
                }


class Loss(ABC):
    """What a prior is trained to minimise: a module of `losses` has one as its LOSS."""

    @abstractmethod
    def learner(self, setting: Setting) -> Learner:
        """What learns by it, before its first step. Raises UserError for too few images."""


def load_loss(name: str) -> Loss:
    """The loss of this name. Raises UserError if there is none."""
    loss: Loss = named.thing(named.LOSSES, name, Loss, "LOSS")
    return loss


class Means:
    """Running means of some columns, kept on the device so that no step waits for a number to reach the host."""

    def __init__(self, columns: tuple[str, ...], device: torch.device):
        self.columns, self.sums, self.steps = columns, torch.zeros(len(columns), device=device), 0

    @torch.no_grad()
    def add(self, *values: Tensor) -> None:
        """One step's scalars, in the order of the columns."""
        self.sums += torch.stack(values)
        self.steps += 1

    def take(self) -> Row:
        """The means so far, and start afresh."""
        means = (self.sums / self.steps).tolist()
        self.sums.zero_()
        self.steps = 0
        return dict(zip(self.columns, means, strict=True))


def gradient_norm(network: nn.Module) -> Tensor:
    """Euclidean norm of the gradient of all weights, a scalar on the device."""
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)


def falling(adam: torch.optim.Optimizer, setting: Setting, number: int) -> None:
    """Set Adam's rate for the batch `number`: from train.learning_rate to zero along a cosine over all epochs."""
    share = (number - 1) / (setting.params.epochs * setting.steps_per_epoch)
    set_rate(adam, setting.params.learning_rate * cosine(share))


@dataclass(frozen=True)
class Trained:
    """What training leaves: networks in eval mode, one row an epoch, and what fixed codes looked like on the way."""

    generators: dict[int, Generator]  # epoch -> the generator as it was then, of the sample epochs and the last
    networks: dict[str, SavedNetwork]  # others, of the last epoch
    history: list[Row]  # columns of trained.HISTORY; None where a prior has no such thing
    samples: dict[int, np.ndarray]  # epoch -> images (64, C, S, S), uint8, of each of the generators


def train(name: str, setting: Setting, checkpoint: Checkpoint | None = None) -> Trained:
    """Train the prior `name` and return it with its history.

    `checkpoint` keeps each finished epoch, to go on from; None keeps nothing. Raises UserError for too few images, and
    when a loss or a weight stops being finite.
    """
    images, settings, compute = setting.images, setting.params, setting.compute
    learner = load_loss(name).learner(setting)
    fixed_codes = torch.randn(SAMPLE_COUNT, settings.latent_dim, generator=torch_stream(setting.seed, "sample codes"))
    order_stream = torch_stream(setting.seed, "data order")
    epochs, steps_per_epoch = settings.epochs, setting.steps_per_epoch
    kept_epochs = [*(epoch for epoch in settings.sample_epochs if epoch < epochs), epochs]
    history, generators = _resumed(checkpoint, learner, order_stream, kept_epochs, compute)
    number = len(history) * steps_per_epoch  # of batches so far
    progress = Progress(f"train {name}", epochs * steps_per_epoch)
    if history:
        say(f"train: {name} goes on after epoch {len(history)}")
        progress.skip(number)

    for epoch in range(len(history) + 1, epochs + 1):
        order = torch.randperm(len(images), generator=order_stream)
        for batch in order[: steps_per_epoch * settings.batch_size].view(steps_per_epoch, settings.batch_size):
            number += 1
            shown = tensor_to_float(compute.place(torch.from_numpy(images[batch.numpy()])))
            learner.step(shown, batch, number)
            progress.advance(note=_note(history))
        d_steps, g_steps = learner.steps(number)
        row = {"epoch": epoch, "d_steps": d_steps, "g_steps": g_steps} | learner.epoch_means()
        _check_finite(row | learner.largest_weights(), name, history)
        history.append(dict.fromkeys(HISTORY) | row)
        if epoch in kept_epochs:
            generators[epoch] = _frozen(learner.generator, learner.generator.state_dict(), compute)
            codes = learner.draw_codes(BATCH_NORM_CODES)
            recompute_batch_norm(generators[epoch], codes, images_at_a_time(images.shape[2]))
        if checkpoint:
            _save(checkpoint, learner, order_stream, history, generators)

    samples = {epoch: _draw(generator, compute.place(fixed_codes)) for epoch, generator in generators.items()}
    return Trained(generators, learner.saved_networks(), history, samples)


def _save(
    checkpoint: Checkpoint,
    learner: Learner,
    order_stream: torch.Generator,
    history: list[Row],
    generators: dict[int, Generator],  # those that were kept so far
) -> None:
    """All that training goes on from after an epoch."""
    tensors = learner.state() | {"order_stream": order_stream.get_state()}
    for epoch, generator in generators.items():
        tensors |= {f"epoch_{epoch}.{key}": tensor for key, tensor in generator.state_dict().items()}
    checkpoint.save(tensors, history)


def _resumed(
    checkpoint: Checkpoint | None,
    learner: Learner,
    order_stream: torch.Generator,
    kept_epochs: list[int],
    compute: Compute,
) -> tuple[list[Row], dict[int, Generator]]:
    """What `_save` left: the history and the kept generators; learner and stream are brought to where they were.

    Nothing where nothing was left. Raises UserError for the checkpoint of another training.
    """
    state = checkpoint.load() if checkpoint else None
    if checkpoint is None or state is None:
        return [], {}
    tensors, history = state
    generators: dict[int, Generator] = {}
    try:
        order_stream.set_state(tensors["order_stream"])
        learner.restore(tensors)
        for epoch in (epoch for epoch in kept_epochs if epoch <= len(history)):
            weights = {key: tensors[f"epoch_{epoch}.{key}"] for key in learner.generator.state_dict()}
            generators[epoch] = _frozen(learner.generator, weights, compute)
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{checkpoint.path}: not a checkpoint of this training: {error}; delete it") from None
    return history, generators


def trained_writers(prior: str, trained: Trained) -> dict[Path, Writer]:
    """The files of a trained prior."""
    networks: dict[str, SavedNetwork] = {f"generator_{epoch}": own for epoch, own in trained.generators.items()}
    files = {f"{name}.safetensors": network_writer(network) for name, network in (networks | trained.networks).items()}
    files[HISTORY_FILE] = table_writer(trained.history)
    files[SAMPLES] = array_writer({f"epoch_{epoch}": images for epoch, images in trained.samples.items()})
    last = trained.generators[max(trained.generators)]  # what is searched from now on
    of_training = {artifacts.training(prior, file): writer for file, writer in files.items()}
    return of_training | {artifacts.generator(prior): network_writer(last)}


def _frozen(generator: Generator, weights: dict[str, Tensor], compute: Compute) -> Generator:
    """A generator of its own with the weights of now or of then, in eval mode."""
    frozen = Generator(**generator.arguments)
    frozen.load_state_dict(weights)
    return compute.place_network(frozen).requires_grad_(False).eval()


def _note(history: list[Row]) -> str:
    """The last full epoch in a few words."""
    if not history:
        return "epoch 1"
    last = history[-1]
    losses = (f"{name} {last[name]:.3g}" for name in ("d_loss", "g_loss") if last[name] is not None)
    return f"epoch {last['epoch'] + 1}, {', '.join(losses)}"


def _check_finite(row: Row, name: str, history: list[Row]) -> None:
    bad = [column for column, value in row.items() if not math.isfinite(value)]
    if bad:
        last = {column: value for column, value in history[-1].items() if value is not None} if history else {}
        before = ", ".join(f"{column} {value:.4g}" for column, value in last.items()) or "none"
        raise UserError(
            f"training diverged: prior {name}, epoch {row['epoch']}: {', '.join(bad)} not finite "
            f"(try a smaller train.learning_rate); last finite epoch: {before}"
        )


@torch.no_grad()
def _draw(generator: Generator, codes: Tensor) -> np.ndarray:
    """images (N, C, S, S), uint8."""
    return to_uint8(generator(codes).cpu().contiguous().numpy())
