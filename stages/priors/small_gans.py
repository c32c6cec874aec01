"""Many small GANs: the study's own training, made small enough to be repeated over seeds, steps and optimisers.

Each is computed on one thread, several side by side. As one network (torch.func's stack_module_state and vmap) they
take no less processor time on a CPU, where grouped convolutions are no faster than single ones
(tests/benchmarks/small_gans.py).
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import nn

from stages.images.stored import Images
from stages.pipeline.numerics.compute import Compute, choose_compute
from stages.pipeline.numerics.pixels import tensor_to_float, to_uint8
from stages.pipeline.numerics.streams import stream_seed, torch_stream
from stages.pipeline.params import SaturateGrid, Train
from stages.pipeline.storage import Row
from stages.priors.adversarial import Players
from stages.priors.objectives import BY_NAME
from stages.priors.slopes import GAN_LOSSES
from stages.priors.training import Setting


@dataclass(frozen=True)
class Cell:
    """What is varied; runs that differ in their seed alone are of one cell."""

    loss: str
    discriminator_steps: int
    optimiser: str  # adam or sgd, of both networks
    batch_norm: bool  # in the discriminator


@dataclass(frozen=True)
class Run:
    """One small GAN: one piece of work."""

    cell: Cell
    number: int  # 0, 1, ...: which of the repetitions; the same number, the same initial weights, codes and images
    images: Images  # training images (N, C, S, S), uint8
    settings: SaturateGrid
    train: Train  # of the study: what the grid does not change
    seed: int  # of the study

    def words(self) -> Row:
        """Its columns of tables, where `batch_norm` is a word: true or false."""
        return asdict(self.cell) | {"batch_norm": str(self.cell.batch_norm).lower(), "seed": self.number}


@dataclass(frozen=True)
class Outcome:
    """What a run leaves."""

    history: list[Row]  # a row for each generator step: g_step, and the columns of Players.epoch_means and update_norm
    samples: np.ndarray  # (settings.samples, C, S, S), uint8, of the last generator


def cells(settings: SaturateGrid) -> list[Cell]:
    """All combinations, in the order of the tables."""
    return [
        Cell(loss, steps, optimiser, batch_norm)
        for loss in GAN_LOSSES
        for steps in settings.discriminator_steps
        for optimiser in settings.optimisers
        for batch_norm in settings.batch_norm
    ]


def train_small(run: Run) -> Outcome:
    """Train one small GAN, in float32; on a CPU on one thread."""
    settings, cell = run.settings, run.cell
    compute = replace(choose_compute(), bfloat16=False)
    players = small_players(run, compute)
    stream = torch_stream(run.seed, "saturation grid", "images", run.number)
    history: list[Row] = []
    for g_step in range(1, settings.generator_steps + 1):
        for _ in range(cell.discriminator_steps):
            places = torch.randint(len(run.images), (settings.batch_size,), generator=stream).numpy()
            players.discriminator_step(tensor_to_float(compute.place(torch.from_numpy(run.images[places]))))
        before = nn.utils.parameters_to_vector(players.generator.parameters()).detach()
        players.generator_step()
        update = nn.utils.parameters_to_vector(players.generator.parameters()).detach() - before
        history.append({"g_step": g_step} | players.epoch_means() | {"update_norm": update.norm().item()})
    codes = torch.randn(settings.samples, run.train.latent_dim, generator=stream)
    with torch.no_grad():  # normalised by these codes' own statistics
        samples = players.generator(compute.place(codes)).nan_to_num()  # of a run that diverged
    return Outcome(history, to_uint8(samples.cpu().numpy()))


def small_players(run: Run, compute: Compute) -> Players:
    """Generator and discriminator of a run, before their first step."""
    settings, cell = run.settings, run.cell
    changes = {"discriminator_steps": cell.discriminator_steps, "width": settings.width}
    train = run.train.model_copy(update=changes | {"batch_size": settings.batch_size})
    seed = stream_seed(run.seed, "saturation grid", run.number)

    def sgd(network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(network.parameters(), lr=settings.sgd_learning_rate, momentum=settings.sgd_momentum)

    return Players(
        BY_NAME[cell.loss],
        Setting(run.images, train, seed, compute),
        optimiser=sgd if cell.optimiser == "sgd" else None,
        batch_norm=cell.batch_norm,
    )
