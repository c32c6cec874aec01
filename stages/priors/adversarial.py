"""Adversarial training of one DCGAN (Goodfellow et al. 2014, algorithm 1; hyperparameters of Radford et al. 2016)."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from stages.images.stored import Images
from stages.pipeline import artifacts
from stages.pipeline.checkpoint import Checkpoint
from stages.pipeline.command import say
from stages.pipeline.errors import UserError
from stages.pipeline.networks import SavedNetwork, network_writer
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.pixels import tensor_to_float, to_uint8
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import Train
from stages.pipeline.progress import Progress
from stages.pipeline.storage import Writer, array_writer, table_writer
from stages.priors.gan_loss import GanLoss, load_loss
from stages.priors.networks import Discriminator, Generator, initialise, recompute_batch_norm
from stages.priors.trained import HISTORY_FILE, SAMPLES

BATCH_NORM_CODES = 20_000  # prior samples behind the BatchNorm statistics of a saved generator
SAMPLE_COUNT = 64  # images in a sample grid, from the same codes at every epoch and for every loss


@dataclass(frozen=True)
class TrainedGan:
    """What training leaves: networks in eval mode, one row an epoch, and what fixed codes looked like on the way."""

    generators: dict[int, Generator]  # epoch -> the generator as it was then, of the sample epochs and the last
    discriminator: Discriminator  # of the last epoch
    history: list[dict[str, float]]  # epoch, d_steps, g_steps, then the means that `Sums` keeps
    samples: dict[int, np.ndarray]  # epoch -> images (64, C, H, W), uint8, of each of the generators


def train(
    images: Images,  # training images (N, C, S, S), uint8; they go to the device by the batch
    loss: str,  # a GAN loss, by name
    settings: Train,
    seed: int,  # of the study: every loss gets the same initial weights, data order and codes
    compute: Compute,
    checkpoint: Checkpoint | None = None,  # of each finished epoch, to go on from; None = keep nothing
) -> TrainedGan:
    """Train one GAN and return it with its history. Raises UserError when a loss stops being finite."""
    if len(images) < (needed := settings.batch_size * settings.discriminator_steps):
        raise UserError(
            f"{len(images)} training images: allowed are at least {needed}, "
            "train.batch_size * train.discriminator_steps"
        )
    players = Players(images.shape[1], images.shape[2], load_loss(loss), settings, seed, compute)
    epochs, batch_size, latent_dim = settings.epochs, settings.batch_size, settings.latent_dim
    discriminator_steps = settings.discriminator_steps
    fixed_codes = torch.randn(SAMPLE_COUNT, latent_dim, generator=torch_stream(seed, "sample codes"))
    norm_codes = torch.randn(BATCH_NORM_CODES, latent_dim, generator=torch_stream(seed, "batch norm codes"))
    steps_per_epoch = len(images) // batch_size
    kept_epochs = [*(epoch for epoch in settings.sample_epochs if epoch < epochs), epochs]
    progress = Progress(f"train {loss}", epochs * steps_per_epoch)
    history: list[dict[str, float]] = []
    generators: dict[int, Generator] = {}

    # Go on from the last finished epoch, if there is one.
    if checkpoint and (state := checkpoint.load()):
        tensors, history = state
        try:
            players.restore(tensors)
            for epoch in (epoch for epoch in kept_epochs if epoch <= len(history)):
                weights = {name: tensors[f"epoch_{epoch}.{name}"] for name in players.generator.state_dict()}
                generators[epoch] = players.frozen_generator(weights)
        except (KeyError, RuntimeError) as error:
            raise UserError(f"{checkpoint.path}: not a checkpoint of this training: {error}; delete it") from None
        say(f"train: {loss} goes on after epoch {len(history)}")
        progress.skip(len(history) * steps_per_epoch)

    # Training loop.
    d_steps = len(history) * steps_per_epoch
    for epoch in range(len(history) + 1, epochs + 1):
        sums = Sums(compute.device)
        order = torch.randperm(len(images), generator=players.order_stream)
        for batch in order[: steps_per_epoch * batch_size].view(steps_per_epoch, batch_size):
            real = tensor_to_float(compute.place(torch.from_numpy(images[batch.numpy()])))
            players.discriminator_step(real, sums)
            d_steps += 1
            if d_steps % discriminator_steps == 0:
                players.generator_step(sums)
            progress.advance(note=_note(history))
        row = {"epoch": epoch, "d_steps": d_steps, "g_steps": d_steps // discriminator_steps} | sums.means()
        _check_finite(row | players.largest_weights(), loss, history)
        history.append(row)
        if epoch in kept_epochs:
            generators[epoch] = players.frozen_generator(players.generator.state_dict())
            recompute_batch_norm(generators[epoch], compute.place(norm_codes), images_at_a_time(images.shape[2]))
        if checkpoint:
            checkpoint.save(players.state(generators), history)

    samples = {epoch: _draw(generator, compute.place(fixed_codes)) for epoch, generator in generators.items()}
    return TrainedGan(generators, players.discriminator.eval(), history, samples)


def trained_writers(prior: str, gan: TrainedGan) -> dict[Path, Writer]:
    """The files of a trained prior."""
    networks: dict[str, SavedNetwork] = {f"generator_{epoch}": own for epoch, own in gan.generators.items()}
    networks["generator"] = gan.generators[max(gan.generators)]  # what is searched from now on
    networks["discriminator"] = gan.discriminator
    files = {f"{name}.safetensors": network_writer(network) for name, network in networks.items()}
    files[HISTORY_FILE] = table_writer(gan.history)
    files[SAMPLES] = array_writer({f"epoch_{epoch}": images for epoch, images in gan.samples.items()})
    return {artifacts.prior(prior, file): writer for file, writer in files.items()}


class Players:
    """The two networks with their optimisers and streams: all that changes from step to step."""

    def __init__(self, channels: int, image_size: int, loss: GanLoss, settings: Train, seed: int, compute: Compute):
        shape = {"width": settings.width, "channels": channels, "image_size": image_size}
        generator, discriminator = Generator(latent_dim=settings.latent_dim, **shape), Discriminator(**shape)
        initialise(generator, torch_stream(seed, "initial weights", "generator"))
        initialise(discriminator, torch_stream(seed, "initial weights", "discriminator"))
        self.generator, self.discriminator = compute.place_network(generator), compute.place_network(discriminator)
        self.generator_adam, self.discriminator_adam = (
            torch.optim.Adam(
                network.parameters(), lr=settings.learning_rate, betas=(settings.beta1, settings.beta2), fused=True
            )
            for network in (self.generator, self.discriminator)
        )
        self.order_stream, self.code_stream = torch_stream(seed, "data order"), torch_stream(seed, "training codes")
        self.loss, self.batch_size, self.compute = loss, settings.batch_size, compute

    def draw_codes(self) -> Tensor:
        latent_dim = self.generator.arguments["latent_dim"]
        return self.compute.place(torch.randn(self.batch_size, latent_dim, generator=self.code_stream))

    def discriminator_step(self, real: Tensor, sums: "Sums") -> None:
        with self.compute.autocast():
            with torch.no_grad():
                fake = self.generator(self.draw_codes())
            real_logit, fake_logit = self.discriminator(real), self.discriminator(fake)
        d_loss = self.loss.discriminator(real_logit, fake_logit)
        self.discriminator_adam.zero_grad()
        d_loss.backward()
        self.discriminator_adam.step()
        sums.after_discriminator(d_loss, real_logit, fake_logit, self.loss.threshold)

    def generator_step(self, sums: "Sums") -> None:
        self.discriminator.requires_grad_(False)  # spares the weight gradients that this step would throw away
        with self.compute.autocast():
            fake_logit = self.discriminator(self.generator(self.draw_codes()))
        g_loss = self.loss.generator(fake_logit)
        self.generator_adam.zero_grad()
        g_loss.backward()
        self.generator_adam.step()
        self.discriminator.requires_grad_(True)
        sums.after_generator(g_loss, self.loss.slope(fake_logit), self.generator)

    def frozen_generator(self, weights: dict[str, Tensor]) -> Generator:
        """A generator of its own with the weights of now or of then, in eval mode."""
        generator = Generator(**self.generator.arguments)
        generator.load_state_dict(weights)
        return self.compute.place_network(generator).requires_grad_(False).eval()

    def largest_weights(self) -> dict[str, float]:
        """The largest absolute weight of each network: NaN or infinity if any weight is."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return {
            f"{name} weight": max(parameter.abs().max().item() for parameter in network.parameters())
            for name, network in networks.items()
        }

    def _parts(self) -> list[tuple[str, nn.Module, torch.optim.Adam]]:
        return [
            ("generator", self.generator, self.generator_adam),
            ("discriminator", self.discriminator, self.discriminator_adam),
        ]

    def state(self, kept: dict[int, Generator]) -> dict[str, Tensor]:
        """Weights, Adam's averages, the streams and the generators kept so far, as tensors by name."""
        tensors = {"order_stream": self.order_stream.get_state(), "code_stream": self.code_stream.get_state()}
        for epoch, generator in kept.items():
            tensors |= {f"epoch_{epoch}.{key}": tensor for key, tensor in generator.state_dict().items()}
        for name, network, adam in self._parts():
            tensors |= {f"{name}.{key}": tensor for key, tensor in network.state_dict().items()}
            for index, parameter in enumerate(network.parameters()):
                tensors |= {f"{name}_adam.{index}.{key}": value for key, value in adam.state[parameter].items()}
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Continue exactly where `state` was taken."""
        self.order_stream.set_state(tensors["order_stream"])
        self.code_stream.set_state(tensors["code_stream"])
        for name, network, adam in self._parts():
            network.load_state_dict({key: tensors[f"{name}.{key}"] for key in network.state_dict()})
            for index, parameter in enumerate(network.parameters()):
                step = tensors[f"{name}_adam.{index}.step"].to(parameter.device)
                adam.state[parameter] = {"step": step} | {
                    # In the parameter's own memory layout, which the fused kernel walks through.
                    key: torch.empty_like(parameter).copy_(tensors[f"{name}_adam.{index}.{key}"])
                    for key in ("exp_avg", "exp_avg_sq")
                }


class Sums:
    """Running sums of one epoch, kept on the device so that no step waits for a number to reach the host."""

    DISCRIMINATOR = ("d_loss", "real_logit", "fake_logit", "d_accuracy")
    GENERATOR = ("g_loss", "g_grad_norm", "loss_slope")
    COLUMNS = ("d_loss", "g_loss", "real_logit", "fake_logit", "d_accuracy", "g_grad_norm", "loss_slope")

    def __init__(self, device: torch.device):
        self.discriminator = torch.zeros(len(self.DISCRIMINATOR), device=device)
        self.generator = torch.zeros(len(self.GENERATOR), device=device)
        self.discriminator_steps = self.generator_steps = 0

    @torch.no_grad()
    def after_discriminator(self, d_loss: Tensor, real_logit: Tensor, fake_logit: Tensor, threshold: float) -> None:
        accuracy = ((real_logit > threshold).float().mean() + (fake_logit < threshold).float().mean()) / 2
        self.discriminator += torch.stack([d_loss, real_logit.mean(), fake_logit.mean(), accuracy])
        self.discriminator_steps += 1

    @torch.no_grad()
    def after_generator(self, g_loss: Tensor, slope: Tensor, generator: Generator) -> None:
        gradients = [parameter.grad for parameter in generator.parameters() if parameter.grad is not None]
        grad_norm = torch.nn.utils.get_total_norm(gradients)
        self.generator += torch.stack([g_loss, grad_norm, slope.abs().mean()])
        self.generator_steps += 1

    def means(self) -> dict[str, float]:
        discriminator = self.discriminator / self.discriminator_steps
        generator = self.generator / self.generator_steps
        names = (*self.DISCRIMINATOR, *self.GENERATOR)
        means = dict(zip(names, discriminator.tolist() + generator.tolist(), strict=True))
        return {name: means[name] for name in self.COLUMNS}


def _note(history: list[dict[str, float]]) -> str:
    """The last full epoch in a few words."""
    if not history:
        return "epoch 1"
    last = history[-1]
    return f"epoch {last['epoch'] + 1}, d_loss {last['d_loss']:.3g}, g_loss {last['g_loss']:.3g}"


def _check_finite(row: dict[str, float], loss: str, history: list[dict[str, float]]) -> None:
    bad = [name for name, value in row.items() if not math.isfinite(value)]
    if bad:
        before = ", ".join(f"{name} {value:.4g}" for name, value in history[-1].items()) if history else "none"
        raise UserError(
            f"training diverged: loss {loss}, epoch {row['epoch']}: {', '.join(bad)} not finite "
            f"(try a smaller train.learning_rate); last finite epoch: {before}"
        )


@torch.no_grad()
def _draw(generator: Generator, codes: Tensor) -> np.ndarray:
    """images (N, C, S, S), uint8."""
    return to_uint8(generator(codes).cpu().contiguous().numpy())
