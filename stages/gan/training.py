"""Adversarial training of one DCGAN (Goodfellow et al. 2014, algorithm 1; hyperparameters of Radford et al. 2016)."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.gan.losses import LOSSES
from stages.gan.networks import Discriminator, Generator, initialise, recompute_batch_norm
from stages.pipeline.compute import Compute
from stages.pipeline.errors import UserError
from stages.pipeline.progress import Progress
from stages.pipeline.seeding import torch_stream

BATCH_NORM_CODES = 20_000  # prior samples behind the BatchNorm statistics of a saved generator
SAMPLE_COUNT = 64  # images in a sample grid, from the same codes at every epoch and for every loss


@dataclass(frozen=True)
class TrainedGan:
    """What training leaves: networks in eval mode, one row an epoch, and what fixed codes looked like on the way."""

    generator: Generator
    discriminator: Discriminator
    history: list[dict[str, float]]  # epoch, d_steps, g_steps, then the means that `_Sums` keeps
    samples: dict[int, np.ndarray]  # epoch -> images (64, C, H, W), uint8


def train(
    images: np.ndarray,  # training images (N, C, H, W), uint8
    *,
    loss: str,  # a key of LOSSES
    seed: int,  # of the study: every loss gets the same initial weights, data order and codes
    epochs: int,  # passes of the discriminator over the images
    batch_size: int,  # images in one step, of either network
    discriminator_steps: int,  # on a fresh batch each, before one generator step
    learning_rate: float,  # of both Adams
    beta1: float,  # Adam's decay of the gradient average
    beta2: float,  # Adam's decay of the squared-gradient average
    latent_dim: int,  # dimension of z
    width: int,  # channels next to the image, in both networks
    sample_epochs: list[int],  # epochs after which the fixed codes are drawn
    compute: Compute,  # device and precision
) -> TrainedGan:
    """Train one GAN and return it with its history. Raises UserError when a loss stops being finite."""
    objective = LOSSES[loss]
    channels, image_size = images.shape[1:3]

    # Networks and optimisers.
    generator = Generator(latent_dim=latent_dim, width=width, channels=channels, image_size=image_size)
    discriminator = Discriminator(width=width, channels=channels, image_size=image_size)
    initialise(generator, torch_stream(seed, "initial weights", "generator"))
    initialise(discriminator, torch_stream(seed, "initial weights", "discriminator"))
    generator, discriminator = compute.place(generator), compute.place(discriminator)
    adam = {"lr": learning_rate, "betas": (beta1, beta2), "fused": True}
    generator_adam = torch.optim.Adam(generator.parameters(), **adam)
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), **adam)

    # Streams and fixed codes.
    order_stream, code_stream = torch_stream(seed, "data order"), torch_stream(seed, "training codes")
    fixed_codes = torch.randn(SAMPLE_COUNT, latent_dim, generator=torch_stream(seed, "sample codes"))
    norm_codes = torch.randn(BATCH_NORM_CODES, latent_dim, generator=torch_stream(seed, "batch norm codes"))
    dataset = compute.place(torch.from_numpy(images))

    def draw_codes() -> Tensor:
        return compute.place(torch.randn(batch_size, latent_dim, generator=code_stream))

    def discriminator_step(real: Tensor, sums: _Sums) -> None:
        with compute.autocast():
            with torch.no_grad():
                fake = generator(draw_codes())
            real_logit, fake_logit = discriminator(real), discriminator(fake)
        d_loss = objective.discriminator(real_logit, fake_logit)
        discriminator_adam.zero_grad()
        d_loss.backward()
        discriminator_adam.step()
        sums.after_discriminator(d_loss, real_logit, fake_logit, objective.threshold)

    def generator_step(sums: _Sums) -> None:
        discriminator.requires_grad_(False)  # spares the weight gradients that this step would throw away
        with compute.autocast():
            fake_logit = discriminator(generator(draw_codes()))
        g_loss = objective.generator(fake_logit)
        generator_adam.zero_grad()
        g_loss.backward()
        generator_adam.step()
        discriminator.requires_grad_(True)
        sums.after_generator(g_loss, objective.slope(fake_logit), generator)

    # Training loop.
    steps_per_epoch = len(images) // batch_size
    progress = Progress(f"train {loss}", epochs * steps_per_epoch)
    history: list[dict[str, float]] = []
    samples: dict[int, np.ndarray] = {}
    d_steps = 0
    for epoch in range(1, epochs + 1):
        sums = _Sums(compute.device)
        order = torch.randperm(len(images), generator=order_stream)
        for batch in order[: steps_per_epoch * batch_size].view(steps_per_epoch, batch_size):
            real = dataset[batch.to(compute.device)].float() / 255
            discriminator_step(real, sums)
            d_steps += 1
            if d_steps % discriminator_steps == 0:
                generator_step(sums)
            progress.advance(note=_note(history))
        row = {"epoch": epoch, "d_steps": d_steps, "g_steps": d_steps // discriminator_steps} | sums.means()
        _check_finite(row, loss, history)
        history.append(row)
        if epoch in sample_epochs or epoch == epochs:
            samples[epoch] = _draw(generator, fixed_codes, compute)

    # The networks as they are used from now on.
    recompute_batch_norm(generator, compute.place(norm_codes))
    samples[epochs] = _draw(generator, fixed_codes, compute)
    return TrainedGan(generator, discriminator.eval(), history, samples)


class _Sums:
    """Running sums of one epoch, kept on the device so that no step waits for a number to reach the host."""

    DISCRIMINATOR = ("d_loss", "real_logit", "fake_logit", "d_accuracy")
    GENERATOR = ("g_loss", "g_grad_norm", "loss_slope")

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
        grad_norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in generator.parameters()])
        self.generator += torch.stack([g_loss, grad_norm, slope.abs().mean()])
        self.generator_steps += 1

    def means(self) -> dict[str, float]:
        discriminator = self.discriminator / self.discriminator_steps
        generator = self.generator / self.generator_steps
        means = dict(zip(self.DISCRIMINATOR, discriminator.tolist(), strict=True))
        return means | dict(zip(self.GENERATOR, generator.tolist(), strict=True))


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
def _draw(generator: Generator, codes: Tensor, compute: Compute) -> np.ndarray:
    """images (N, C, H, W), uint8, of the generator in eval mode; leaves its mode as it was."""
    was_training = generator.training
    images = generator.eval()(compute.place(codes))
    generator.train(was_training)
    return (images * 255).round().to(torch.uint8).cpu().contiguous().numpy()
