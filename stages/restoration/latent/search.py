"""Search of the latent space: from what is seen of an image to a code whose image explains it.

The textbook recipe is Adam on the L2 distance to the whole observed image, from one start. This project's search starts
from the most promising of many prior samples (Bora et al. 2017 restart too), and after a few steps lets Adam go on in
whitened coordinates (curvature.py). Adam rescales each coordinate alone, but a generator's curvature is far from
diagonal: whitened, a tenth of the steps leaves the same error. Newton's own steps stall earlier, presumably cut
short by the kinks of the generator's ReLUs, over which Adam averages. The generator is known only as a frozen function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import PlainSearch, Search
from stages.restoration.latent.curvature import curvatures, evenly, whiten
from stages.restoration.latent.descent import Walk, descend, usual_walk
from stages.restoration.latent.objective import Generate, Objective
from stages.restoration.latent.prior import LatentPrior
from stages.restoration.observation import Observation

DAMPING = 0.1  # beside the squared error's curvature
CURVATURE_STARTS = 2  # best explored ones over which the curvature is averaged, so that steps suit both


@dataclass(frozen=True)
class LatentSearch:
    """What every search is made of: a prior, how its codes are searched, the study's seed, and the device."""

    prior: LatentPrior
    settings: Search
    seed: int
    compute: Compute

    def objective(self, observation: Observation) -> Objective:
        """Minus the logarithm of the posterior of codes, up to a constant."""
        return Objective(observation, self.prior.misfit.data_term)

    def draw_prior(self, count: int) -> np.ndarray:
        """Prior samples (count, latent_dim), float32, that searches start from; more of them add to the first ones."""
        return numpy_stream(self.seed, "starts").standard_normal((count, self.prior.latent_dim), np.float32)

    def with_plain(self, steps: int, learning_rate: float) -> "LatentSearch":
        """The same search with another textbook recipe."""
        plain = PlainSearch(steps=steps, learning_rate=learning_rate)
        return replace(self, settings=self.settings.model_copy(update={"plain": plain}))

    def with_restarts(self, restarts: int) -> "LatentSearch":
        """The same search from another number of starts."""
        few = self.settings.map.model_copy(update={"restarts": restarts})
        return replace(self, settings=self.settings.model_copy(update={"map": few}))


@dataclass(frozen=True)
class Explored:
    """Where the search of N observations stands after all starts have been tried."""

    starts: np.ndarray  # (N, restarts, latent_dim), least energy first
    axes: Tensor  # (N, latent_dim, latent_dim): coordinates whitened at the best two


def explore(search: LatentSearch, objective: Objective) -> Explored:
    """Search a little from each of the best prior samples: by Adam, then in whitened coordinates."""
    generate, settings, compute = search.prior.generate, search.settings.map, search.compute
    observation = objective.observation
    starts = screen(generate, objective, search.draw_prior(settings.samples), settings.restarts, compute)
    walk = usual_walk(settings, settings.explore_steps)
    starts, _ = descend(generate, objective, starts, walk, compute, "map search: explore")
    curvature = curvatures(generate, observation, starts[:, :CURVATURE_STARTS], evenly, compute)
    axes = search_axes(curvature, observation, compute)
    walk = usual_walk(settings, settings.whitened_steps)
    starts, _ = descend(generate, objective, starts, walk, compute, "map search: whitened", axes)
    return Explored(starts, axes)


def map_search(search: LatentSearch, objective: Objective, explored: Explored) -> np.ndarray:
    """Codes (N, latent_dim): the best start of each observation, searched to the end."""
    walk, starts = usual_walk(search.settings.map, search.settings.map.steps), explored.starts[:, :1]
    generate, compute = search.prior.generate, search.compute
    return descend(generate, objective, starts, walk, compute, "map search: best", explored.axes)[0][:, 0]


def plain_search(search: LatentSearch, observation: Observation, patience: int = 1) -> np.ndarray:
    """The textbook recipe: minimise the L2 distance to the whole observed image, holes included, from one start.

    `patience` multiplies the steps. Mask and sigma are not used: that is what makes it plain. Returns codes
    (N, latent_dim), float32: the last iterate.
    """
    everything = Observation(observation.y, np.ones_like(observation.mask), observation.sigma)
    objective, settings = Objective(everything, squared_error, prior=0.0), search.settings.plain
    walk = Walk(patience * settings.steps, settings.learning_rate, ramp_down=0.0, keep_best=False)
    starts = search.draw_prior(len(observation.y))[:, None]
    codes, _ = descend(search.prior.generate, objective, starts, walk, search.compute, "plain search")
    return codes[:, 0]


def squared_error(residual: Tensor, _images: Tensor, _sensor: Tensor) -> Tensor:
    """The data term of plain least squares."""
    return residual.square()


@torch.no_grad()
def screen(
    generate: Generate,
    objective: Objective,  # over N observations
    samples: np.ndarray,  # (M, latent_dim), from the prior, the same for every observation
    restarts: int,
    compute: Compute,
) -> np.ndarray:
    """For each observation the `restarts` samples of least energy, best first: starts (N, restarts, latent_dim)."""
    codes = compute.place(torch.from_numpy(samples))
    with compute.autocast():
        images = torch.cat([generate(batch) for batch in codes.split(compute.search_batch)])
    best = []
    for index in range(len(objective.observation.y)):
        energies = objective.batch(torch.tensor([index]), compute)(codes, images)  # one observation beside all images
        best.append(energies.argsort(stable=True)[:restarts])
    return samples[torch.stack(best).cpu().numpy()]


def search_axes(curvature: Tensor, observation: Observation, compute: Compute) -> Tensor:
    """Coordinates to search in, W of `whiten`, from the squared error's curvature (N, latent_dim, latent_dim).

    Damped, so that steps stay where the curvature was measured; under noise the prior's pull adds to it.
    """
    damping = DAMPING + compute.place(torch.from_numpy(observation.sigma)).square()
    return whiten(curvature + torch.diag_embed(damping[:, None].expand(curvature.shape[:2])))


def least_squares_search(
    generate: Generate,
    observation: Observation,  # of N images
    starts: np.ndarray,  # (N, R, latent_dim)
    walks: Sequence[Walk],
    compute: Compute,
) -> np.ndarray:
    """Minimise the squared error over known pixels, walk after walk, each whitened where the one before ended.

    Returns the best code of each image, (N, latent_dim), float32.
    """

    def axes(every: Observation, codes: np.ndarray) -> Tensor:
        return search_axes(curvatures(generate, every, codes, evenly, compute), every, compute)

    objective = partial(Objective, data_term=squared_error, prior=0.0)
    return walk_on(generate, observation, starts, walks, objective, axes, "least squares", compute)[:, 0]


def walk_on(
    generate: Generate,
    observation: Observation,  # of N images
    starts: np.ndarray,  # (N, R, latent_dim)
    walks: Sequence[Walk],
    objective: Callable[[Observation], Objective],
    axes: Callable[[Observation, np.ndarray], Tensor],  # of codes (N, 1, latent_dim): (N, latent_dim, latent_dim)
    label: str,
    compute: Compute,
) -> np.ndarray:
    """Walk after walk, each in axes that are measured where the one before ended.

    After each walk the better half of an image's codes goes on, rounded down, at least one. Returns the last ones,
    each image's best first, float32.
    """
    codes = starts
    for number, walk in enumerate(walks, 1):
        count, restarts, latent_dim = codes.shape
        every = observation.rows(np.arange(count).repeat(restarts))  # one for each code, which has axes of its own
        flat = codes.reshape(-1, 1, latent_dim)
        progress = f"{label} {number}/{len(walks)}"
        flat, energies = descend(generate, objective(every), flat, walk, compute, progress, axes(every, flat))
        best = energies.reshape(count, restarts).argsort(axis=1, kind="stable")[:, : max(restarts // 2, 1)]
        codes = np.take_along_axis(flat.reshape(codes.shape), best[:, :, None], axis=1)
    return codes
