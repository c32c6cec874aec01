"""What reaches a frozen generator while a fresh discriminator learns to tell its images from real ones.

The experiment of Arjovsky & Bottou 2017, fig. 2. Theirs has one objective and one curve; here the gradient is taken
apart into the slope of the loss, |dL/dl|, and the gradient of the logit by the generator's weights, and the same
discriminators serve several objectives.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from stages.images.stored import Images
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.numerics.pixels import tensor_to_float
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import Saturate, Train
from stages.pipeline.storage import Row
from stages.priors.gan_loss import GanLoss
from stages.priors.networks import Discriminator, Generator, initialise
from stages.priors.objectives import BY_NAME
from stages.priors.slopes import OBJECTIVES, loss_by_output, output_by_logit


@dataclass(frozen=True)
class Duel:
    """A frozen generator, and the seed of the discriminators that learn against it: one piece of work."""

    generator: Path  # of this age; at age 0 another one of the same shape
    age: int  # epochs of training after which it was frozen; 0: its initial weights
    number: int  # 0, 1, ...: which of the repetitions
    images: Images  # training images (N, C, S, S), uint8
    settings: Saturate
    train: Train
    seed: int  # of the study


@dataclass(frozen=True)
class Reached:
    """What came of a duel."""

    rows: list[Row]  # columns of metrics/saturation.csv, a row for each objective and each step of settings.at
    logits: dict[str, np.ndarray]  # objective -> fake logits (codes,) of the last step
    slopes: dict[str, np.ndarray]  # objective -> dL/dl there, by autograd


def frozen_generator(path: Path, age: int, seed: int) -> Generator:
    """The generator at `path`; at age 0 one of its shape with the weights that training starts from.

    Raises UserError for a file that is missing or damaged.
    """
    generator = load_network(Generator, path)
    if not age:
        generator = Generator(**generator.arguments)
        initialise(generator, torch_stream(seed, "initial weights", "generator"))
    return generator


def fight(duel: Duel) -> Reached:
    """Train a discriminator for each loss on the same batches, and measure what each objective passes on as they learn.

    Objectives with one and the same discriminator loss (minimax and non_saturating) share a discriminator, so that
    between them nothing but the generator's loss differs. All networks normalise by the batch. Discriminators learn in
    the precision of training; gradients are measured in float32.
    """
    settings, train = duel.settings, duel.train
    compute = choose_compute()
    generator = compute.place_network(frozen_generator(duel.generator, duel.age, duel.seed)).train()
    generator.requires_grad_(True)
    stream = torch_stream(duel.seed, "saturation", duel.number)
    fixed_codes = compute.place(torch.randn(settings.codes, generator.arguments["latent_dim"], generator=stream))
    fixed_real = _pick(duel.images, settings.codes, stream)
    sharing: dict[object, list[str]] = {}  # discriminator loss -> objectives
    for name in OBJECTIVES:
        sharing.setdefault(BY_NAME[name].discriminator, []).append(name)
    discriminators, adams = [], []
    for _ in sharing:
        discriminator = Discriminator(
            width=settings.width,
            channels=generator.arguments["channels"],
            image_size=generator.arguments["image_size"],
        )
        initialise(discriminator, torch_stream(duel.seed, "saturation", "discriminator", duel.number))
        discriminators.append(compute.place_network(discriminator))
        betas = (train.beta1, train.beta2)
        adams.append(torch.optim.Adam(discriminator.parameters(), lr=train.learning_rate, betas=betas, fused=True))
    rows: list[Row] = []
    logits: dict[str, np.ndarray] = {}
    slopes: dict[str, np.ndarray] = {}
    for step in range(1, settings.at[-1] + 1):
        real = compute.place(_pick(duel.images, settings.batch_size, stream))
        codes = torch.randn(settings.batch_size, generator.arguments["latent_dim"], generator=stream)
        with torch.no_grad(), compute.autocast(in_threads=True):
            fake = generator(compute.place(codes))
        for discriminator, adam, names in zip(discriminators, adams, sharing.values(), strict=True):
            with compute.autocast(in_threads=True):
                loss = BY_NAME[names[0]].discriminator(discriminator(real).float(), discriminator(fake).float())
            adam.zero_grad()
            loss.backward()
            adam.step()
            if step in settings.at:
                real_logit = discriminator(compute.place(fixed_real)).detach()
                fake_logit = discriminator(generator(fixed_codes))
                objectives = {name: BY_NAME[name] for name in names}
                for name, row in measure_gradients(generator, fake_logit, real_logit, objectives).items():
                    rows.append({"objective": name, "age": duel.age, "seed": duel.number, "d_step": step} | row)
                    logits[name] = fake_logit.detach().cpu().numpy()
                    slopes[name] = objectives[name].slope(fake_logit).cpu().numpy()
    return Reached(rows, logits, slopes)


def measure_gradients(
    generator: nn.Module, fake_logit: Tensor, real_logit: Tensor, objectives: dict[str, GanLoss]
) -> dict[str, Row]:
    """What each objective passes to the generator, whose logits (N,) still have their graph.

    g_grad_norm      norm of dL/dtheta, by autograd of the objective itself
    loss_slope       mean of |dL/dl| over the batch; largest_slope: its maximum
    loss_by_output   |dL/dD|, and output_by_logit: dD/dl; geometric means over the batch, so that they multiply
    logit_grad_norm  norm of d(mean l)/dtheta; sample_grad_norm: mean over the batch of the norms of dl_i/dtheta

    dL/dtheta is the mean over i of (dL/dl_i) (dl_i/dtheta), so by the triangle inequality its norm is at most
    largest_slope * sample_grad_norm. With logit_grad_norm in place of the latter that need not hold: gradients of
    single logits can cancel in their mean and not in a weighted one.
    """
    parameters = list(generator.parameters())

    def norm(value: Tensor) -> float:
        gradients = torch.autograd.grad(value, parameters, retain_graph=True)
        return torch.nn.utils.get_total_norm(gradients).item()

    of_samples = [norm(logit) for logit in fake_logit]
    of_mean = norm(fake_logit.mean())
    logits = fake_logit.detach().cpu().double().numpy()
    rows: dict[str, Row] = {}
    for name, objective in objectives.items():
        size, threshold = objective.slope(fake_logit).abs(), objective.threshold
        right = (real_logit > threshold).float().mean() + (fake_logit < threshold).float().mean()
        rows[name] = {
            "fake_logit": fake_logit.mean().item(),
            "d_accuracy": right.item() / 2,
            "loss_slope": size.mean().item(),
            "logit_grad_norm": of_mean,
            "g_grad_norm": norm(objective.generator(fake_logit)),
            "largest_slope": size.max().item(),
            "sample_grad_norm": float(np.mean(of_samples)),
            "loss_by_output": geometric_mean(loss_by_output(name, logits)),
            "output_by_logit": geometric_mean(output_by_logit(name, logits)),
        }
    return rows


def geometric_mean(values: np.ndarray) -> float:
    """exp of the mean logarithm of absolute values (N,); 0 if one of them is."""
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(np.abs(values)).mean()))


def _pick(images: Images, count: int, stream: torch.Generator) -> Tensor:
    """`count` random images in [0, 1], on the host."""
    places = torch.randint(len(images), (count,), generator=stream).numpy()
    return tensor_to_float(torch.from_numpy(images[places]))
