"""Annealed importance sampling (Neal 2001): the integral of a density that is not normalised, from below and above.

A chain walks from a Gaussian f_0 with integral 1 to the density f_1, along the geometric path

    log f_b = (1 - b) log f_0 + b log f_1,   b = b_0 = 0, b_1, ..., b_K = 1

by transitions that leave each f_b exactly as it is: Hamiltonian Monte Carlo with a Metropolis test (Neal 2011, sec.
3.2). With t_k the chain's point before b becomes b_k, the weight

    log w = sum over k of (b_k - b_(k-1)) (log f_1 - log f_0)(t_k)

has E[w] = Z, the integral of f_1, so that E[log w] <= log Z (Jensen). A chain that starts at an exact sample of f_1 and
walks backwards has E[1 / w] = 1 / Z, so that E[log w] >= log Z: bidirectional Monte Carlo (Grosse, Ghahramani & Adams
2015). Both hold for any path and for any step sizes that were chosen without a look at the chain.

Points are in coordinates in which f_0 is N(0, I).
"""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Energy = Callable[[Tensor], tuple[Tensor, Tensor]]  # points (N, R, D) -> -log f_1, (N, R) float64, and its gradient

FIRST_STEP = 0.3  # of the pilot chains
ACCEPTANCE = 0.8  # mean probability that a transition is accepted, which the pilot chains make step sizes meet
ADAPTATION = 0.1  # how fast they do
PILOT = 4  # values of b for each of theirs


def even_path(count: int) -> list[float]:
    """b_0 = 0, ..., b_count = 1."""
    return [number / count for number in range(count + 1)]


def anneal(
    energy: Energy,  # of N densities f_1
    points: Tensor,  # (N, R, D): R exact samples of each density at path[0]
    path: Sequence[float],  # from 0 to 1, or from 1 to 0
    steps: Tensor,  # (N, len(path) - 2): step sizes at each value of b between, in the order of the path
    leapfrogs: int,  # leapfrog steps of a transition
    streams: Sequence[torch.Generator],  # one for each density, so that none depends on the others
) -> tuple[Tensor, Tensor]:
    """log w of each chain, (N, R), float64, and the points where the chains end, (N, R, D)."""
    chains = Chains(energy, points, streams)
    forward = torch.zeros_like(chains.target)
    for number, (before, after) in enumerate(itertools.pairwise(path)):
        forward += (after - before) * (chains.start - chains.target)
        if number < steps.shape[1]:
            chains.move(after, steps[:, number], leapfrogs)
    return forward if path[-1] > path[0] else -forward, chains.points


def pilot_steps(
    energy: Energy, points: Tensor, path: Sequence[float], leapfrogs: int, streams: Sequence[torch.Generator]
) -> Tensor:
    """Step sizes for `anneal` along `path` from 0 to 1, (N, len(path) - 2), from chains of their own.

    These walk a quarter of the path's steps; after each, the step size of a density follows how many of its chains'
    transitions were accepted.
    """
    chains = Chains(energy, points, streams)
    step = points.new_full((len(points),), FIRST_STEP)
    found = []
    for b in path[1:-1:PILOT]:
        probability = chains.move(b, step, leapfrogs).mean(dim=1)
        step = step * (ADAPTATION * (probability - ACCEPTANCE)).exp().to(step.dtype)
        found.append(step)
    return torch.stack(found, dim=1).repeat_interleave(PILOT, dim=1)[:, : len(path) - 2]


def settle(
    energy: Energy, points: Tensor, transitions: int, leapfrogs: int, streams: Sequence[torch.Generator]
) -> Tensor:
    """Points (N, R (transitions // 2), D) of chains at f_1 that begin at `points` (N, R, D), of their second half."""
    chains = Chains(energy, points, streams)
    step = points.new_full((len(points),), FIRST_STEP)
    found = []
    for number in range(transitions):
        probability = chains.move(1.0, step, leapfrogs).mean(dim=1)
        if number < transitions // 2:
            step = step * (ADAPTATION * 2 * (probability - ACCEPTANCE)).exp().to(step.dtype)
        else:
            found.append(chains.points)
    return torch.stack(found, dim=2).flatten(1, 2)


def log_mean_exp(values: Tensor) -> Tensor:
    """log of the mean of exp(values) over chains: (N, R) -> (N,)."""
    return values.logsumexp(dim=1) - math.log(values.shape[1])


class Chains:
    """Where R chains of each of N densities stand, and the energies of both ends of the path there."""

    def __init__(self, energy: Energy, points: Tensor, streams: Sequence[torch.Generator]):
        self.energy, self.points, self.streams = energy, points, streams
        self.start = _normal_energy(points)  # -log f_0
        self.target, self.gradient = energy(points)  # -log f_1

    def move(self, b: float, step: Tensor, leapfrogs: int) -> Tensor:
        """One transition at b, with step sizes (N,); the probability that it was accepted with, (N, R)."""
        step = step[:, None, None]
        points, target, gradient = self.points, self.target, self.gradient
        momentum = self._draw(torch.randn, points.shape[1:])
        before = _mixed(b, self.start, target) + _kinetic(momentum)
        momentum = momentum - step / 2 * _mixed(b, points, gradient)
        for number in range(leapfrogs):
            points = points + step * momentum
            target, gradient = self.energy(points)
            last = number == leapfrogs - 1
            momentum = momentum - (step / 2 if last else step) * _mixed(b, points, gradient)
        start = _normal_energy(points)
        change = before - _mixed(b, start, target) - _kinetic(momentum)
        probability = change.clamp(max=0).exp().nan_to_num(0)  # NaN where a step overflowed
        taken = self._draw(torch.rand, points.shape[1:2]) < probability
        self.points = torch.where(taken[:, :, None], points, self.points)
        self.gradient = torch.where(taken[:, :, None], gradient, self.gradient)
        self.start, self.target = torch.where(taken, start, self.start), torch.where(taken, target, self.target)
        return probability

    def _draw(self, kind: Callable[..., Tensor], shape: Sequence[int]) -> Tensor:
        return torch.stack([kind(shape, generator=stream) for stream in self.streams]).to(self.points.device)


def _mixed(b: float, of_start: Tensor, of_target: Tensor) -> Tensor:
    """An energy of f_b, or its gradient: that of N(0, I) is the point itself."""
    return (1 - b) * of_start + b * of_target


def _normal_energy(points: Tensor) -> Tensor:
    """-log N(t; 0, I) of points (N, R, D): (N, R), float64."""
    return _kinetic(points) + points.shape[2] * math.log(2 * math.pi) / 2


def _kinetic(momentum: Tensor) -> Tensor:
    return momentum.double().square().sum(dim=2) / 2
