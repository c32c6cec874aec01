"""The same game in three orders: who takes how many steps before the other takes one.

min_max      min_G max_D V: several discriminator steps, then one generator step (Goodfellow et al. 2014, algorithm 1)
one_to_one   a step of each in turn
max_min      max_D min_G V: several generator steps, then one discriminator step

All orders take the same number of steps in all.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import Modes
from stages.priors.gan_loss import GanLoss
from stages.priors.max_min.played import MAX_MIN, MIN_MAX, ONE_TO_ONE
from stages.priors.max_min.stacked import StackedMlp
from stages.priors.max_min.targets import Target
from stages.priors.objectives import BY_NAME

LATENT_DIM = 8
SNAPSHOTS = 16  # samples on the way, of the last half of the steps
BETAS = (0.5, 0.999)  # of Adam, as in the study's GANs


@dataclass(frozen=True)
class Run:
    """One pair of networks."""

    target: Target
    loss: str
    seed: int  # the number of the repetition


def steps_of_a_round(order: str, settings: Modes) -> tuple[int, int]:
    """Discriminator steps, then generator steps: every round ends with the generator's answer."""
    return {
        MIN_MAX: (settings.discriminator_steps, 1),
        ONE_TO_ONE: (1, 1),
        MAX_MIN: (1, settings.generator_steps),
    }[order]


@dataclass(frozen=True)
class _Group:
    """Pairs that stand side by side and have the same loss.

    A loss is a mean, so that the loss of all their logits times `count` gives each pair the gradient of its own.
    """

    loss: GanLoss
    pairs: slice
    count: int


def _groups(runs: Sequence[Run]) -> list[_Group]:
    groups, first = [], 0
    for name, own in itertools.groupby(run.loss for run in runs):
        count = len(list(own))
        groups.append(_Group(BY_NAME[name], slice(first, first + count), count))
        first += count
    return groups


class Duels:
    """Pairs of generator and discriminator that train side by side, all of them in the same order.

    Pairs of the same target and seed start with the same weights and see the same points and codes, whatever their
    loss: one stack of batches is drawn for all losses.
    """

    def __init__(self, runs: Sequence[Run], settings: Modes, seed: int, compute: Compute):
        """Raises ValueError for targets of different dimensions: their networks make no stack."""
        (dimension,) = {run.target.dimension for run in runs}
        self.runs, self.settings, self.seed, self.compute = runs, settings, seed, compute
        hidden = (settings.width, settings.width)
        self.generator_widths = (LATENT_DIM, *hidden, dimension)
        self.generator, self.generator_adam = self._new(self.generator_widths, "generator")
        self.discriminator, self.discriminator_adam = self._new((dimension, *hidden, 1), "discriminator")
        self.reach = compute.place(torch.tensor([run.target.reach for run in runs]))[:, None, None]
        self.by_loss = _groups(runs)
        shared = list(dict.fromkeys((run.target, run.seed) for run in runs))
        self.place = torch.tensor([shared.index((run.target, run.seed)) for run in runs])  # of each run's batch
        self.points, self.codes = (
            [(target, torch_stream(seed, "modes", target.name, number, purpose)) for target, number in shared]
            for purpose in ("points", "codes")
        )

    def draw(self, codes: Tensor) -> Tensor:
        """codes (n, B, LATENT_DIM) -> points (n, B, dimension), each within its target's box."""
        return self.reach * torch.tanh(self.generator(codes) / self.reach)

    def logits(self, points: Tensor) -> Tensor:
        """points (n, B, dimension) -> logits (n, B)."""
        logits: Tensor = self.discriminator(points).squeeze(2)
        return logits

    def play(self, order: str) -> Iterator[None]:
        """Take all steps in an order; come back SNAPSHOTS times in the last half, at the end for the last time."""
        of_discriminator, of_generator = steps_of_a_round(order, self.settings)
        rounds = max(self.settings.steps // (of_discriminator + of_generator), 1)
        frames = {rounds - rounds * number // (2 * SNAPSHOTS) for number in range(SNAPSHOTS)}
        for number in range(1, rounds + 1):
            for _ in range(of_discriminator):
                self.discriminator_step()
            for _ in range(of_generator):
                self.generator_step()
            if number in frames:
                yield

    def discriminator_step(self) -> None:
        with torch.no_grad():
            fake = self.draw(self._codes())
        real_logits, fake_logits = self.logits(self.real_points(self.settings.batch_size)), self.logits(fake)
        losses = [
            own.count * own.loss.discriminator(real_logits[own.pairs].flatten(), fake_logits[own.pairs].flatten())
            for own in self.by_loss
        ]
        self.discriminator_adam.zero_grad()
        torch.stack(losses).sum().backward()
        self.discriminator_adam.step()

    def generator_step(self) -> None:
        self.discriminator.requires_grad_(False)
        logits = self.logits(self.draw(self._codes()))
        losses = [own.count * own.loss.generator(logits[own.pairs].flatten()) for own in self.by_loss]
        self.generator_adam.zero_grad()
        torch.stack(losses).sum().backward()
        self.generator_adam.step()
        self.discriminator.requires_grad_(True)

    def replace_generators(self) -> None:
        """Others in their place, which have learned nothing; all that follows is drawn by them."""
        self.generator, self.generator_adam = self._new(self.generator_widths, "fresh generator")

    @torch.no_grad()
    def samples(self, count: int, purpose: str) -> Tensor:
        """points (n, count, dimension), on the host, of the same codes in every call for the same purpose."""
        seeds = [(run.target.name, run.seed) for run in self.runs]
        codes = [
            torch.randn(count, LATENT_DIM, generator=torch_stream(self.seed, "modes", *own, purpose)) for own in seeds
        ]
        return self.draw(self.compute.place(torch.stack(codes))).cpu()

    def _new(self, widths: Sequence[int], purpose: str) -> tuple[StackedMlp, torch.optim.Adam]:
        """A network for each pair, and what moves them."""
        streams = [torch_stream(self.seed, "modes", run.target.name, run.seed, purpose) for run in self.runs]
        network = StackedMlp(widths, streams).to(self.compute.device)
        rate = self.settings.learning_rate
        return network, torch.optim.Adam(network.parameters(), lr=rate, betas=BETAS, fused=True)

    def real_points(self, count: int) -> Tensor:
        """The next points (n, count, dimension) of each target."""
        batches = torch.stack([target.draw(count, stream) for target, stream in self.points])
        return self.compute.place(batches[self.place])

    def _codes(self) -> Tensor:
        size = (self.settings.batch_size, LATENT_DIM)
        batches = torch.stack([torch.randn(size, generator=stream) for _, stream in self.codes])
        return self.compute.place(batches[self.place])
