"""Max-min against min-max: every loss, order and repetition of the small GANs, side by side."""

from collections.abc import Iterator, Sequence

import torch

from stages.images.stored import Images
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import Modes
from stages.pipeline.progress import Progress
from stages.pipeline.storage import Arrays, Row
from stages.priors.max_min.coordinates import Coordinates
from stages.priors.max_min.inner_minimum import solve_inner, surface
from stages.priors.max_min.mixtures import MIXTURES
from stages.priors.max_min.orders import Duels, Run
from stages.priors.max_min.played import (
    FILMED,
    FINAL,
    FRAMES,
    LOADINGS,
    MAX_MIN,
    MEAN,
    ORDERS,
    SURFACE,
    name_of,
)
from stages.priors.max_min.targets import Target, image_target, mixture_target
from stages.priors.slopes import GAN_LOSSES

SAMPLES, IN_A_FRAME = 1000, 100  # of every generator, at the end and on the way
FILM_SIDE = 61  # points along a side of a film's surface


def learn_mixtures(settings: Modes, seed: int, compute: Compute) -> tuple[Arrays, list[Row]]:
    """Samples of all pairs that learn mixtures (see `played`), and the inner problem of each of them when trained."""
    arrays: Arrays = {}
    rows: list[Row] = []
    for order, duels, own in _in_every_order([mixture_target(name) for name in MIXTURES], settings, seed, compute):
        arrays |= own
        for run, row in zip(duels.runs, solve_inner(duels, settings.inner_minimum_steps), strict=True):
            rows.append({"data": run.target.name, "loss": run.loss, "order": order, "seed": run.seed} | row)
    return arrays, rows


def learn_images(coordinates: Coordinates, images: Images, settings: Modes, seed: int, compute: Compute) -> Arrays:
    """Samples of all pairs that learn images (N, C, S, S), uint8, and what turns them into images again."""
    arrays: Arrays = {MEAN: coordinates.mean, LOADINGS: coordinates.loadings}
    for _, _, own in _in_every_order([image_target(coordinates, images)], settings, seed, compute):
        arrays |= own
    return arrays


def _in_every_order(
    targets: Sequence[Target], settings: Modes, seed: int, compute: Compute
) -> Iterator[tuple[str, Duels, Arrays]]:
    """Each order, its pairs when trained, and their samples; all losses and repetitions of all targets in one stack."""
    runs = [Run(target, loss, number) for loss in GAN_LOSSES for target in targets for number in range(settings.seeds)]
    progress = Progress(f"modes: {', '.join(target.name for target in targets)}", len(ORDERS))
    for order in ORDERS:
        duels = Duels(runs, settings, seed, compute)
        frames, surfaces = [], []
        for _ in duels.play(order):
            frames.append(duels.samples(IN_A_FRAME, "frames"))
            if order == MAX_MIN and any(target.name == FILMED for target in targets):
                surfaces.append(surface(duels, FILM_SIDE).cpu())
        progress.advance(note=order)
        by_kind = {FINAL: duels.samples(SAMPLES, "samples"), FRAMES: torch.stack(frames, dim=1)}
        arrays: Arrays = {}
        for first in range(0, len(runs), settings.seeds):
            run = runs[first]
            for kind, points in by_kind.items():
                own = points[first : first + settings.seeds].numpy()
                arrays[name_of(run.target.name, order, run.loss, kind)] = own
            if surfaces and run.target.name == FILMED:
                film = torch.stack([logits[first] for logits in surfaces])
                arrays[name_of(FILMED, order, run.loss, SURFACE)] = film.numpy()
        yield order, duels, arrays
