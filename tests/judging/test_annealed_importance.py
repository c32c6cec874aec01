"""Annealed importance sampling of densities whose integral is known: bounds on either side of it, exact transitions."""

import math

import numpy as np
import torch
from torch import Tensor

from stages.judging.annealed_importance import (
    ACCEPTANCE,
    Chains,
    Energy,
    anneal,
    even_path,
    log_mean_exp,
    pilot_steps,
)

SCALES = torch.tensor([[0.3, 1.0, 2.0], [0.8, 0.5, 1.5]])  # of two densities in three dimensions
CENTRES = torch.tensor([[0.5, -0.5, 0.0], [1.0, 0.0, 0.3]])
EXACT = np.array([1.5, -40.0])  # logarithms of their integrals


def gaussians(points: Tensor) -> tuple[Tensor, Tensor]:
    """Gaussians of these scales and centres, times exp(EXACT)."""
    away = (points - CENTRES[:, None]) / SCALES[:, None]
    constant = torch.from_numpy(EXACT) - SCALES.double().log().sum(dim=1) - 1.5 * math.log(2 * math.pi)
    return away.double().square().sum(dim=2) / 2 - constant[:, None], away / SCALES[:, None]


def streams(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def weights(energy: Energy, count: int, chains: int, reverse: bool = False) -> Tensor:
    """log w of chains along a path of `count` steps."""
    path, draws = even_path(count), streams(1, 2)
    normal = torch.stack([torch.randn((chains, 3), generator=stream) for stream in draws])
    steps = torch.full((2, count - 1), 0.4)
    if reverse:
        samples = CENTRES[:, None] + normal * SCALES[:, None]
        return anneal(energy, samples, path[::-1], steps, 3, draws)[0]
    return anneal(energy, normal, path, steps, 3, draws)[0]


def mean_error(values: Tensor) -> np.ndarray:
    """Standard error of a mean over chains, relative to the mean."""
    return (values.std(dim=1) / values.mean(dim=1)).numpy() / math.sqrt(values.shape[1])


def test_the_mean_weight_is_the_integral_within_its_error():
    shifted = weights(gaussians, 30, 500) - torch.from_numpy(EXACT)[:, None]
    error = mean_error(shifted.exp())
    assert (error < 0.1).all()
    assert (np.abs(log_mean_exp(shifted).numpy()) < 4 * error).all()
    backward = -(weights(gaussians, 30, 500, reverse=True) - torch.from_numpy(EXACT)[:, None])
    error = mean_error(backward.exp())
    assert (error < 0.1).all()
    assert (np.abs(log_mean_exp(backward).numpy()) < 4 * error).all()


def test_forward_weights_are_below_the_integral_and_backward_ones_above():
    """On average over chains, more so on a shorter path."""
    exact, gaps = torch.from_numpy(EXACT), []
    for count in (5, 30):
        below, above = (weights(gaussians, count, 500, reverse).mean(dim=1) for reverse in (False, True))
        assert (below < exact).all() and (above > exact).all()
        gaps.append(above - below)
    assert (gaps[0] > 2 * gaps[1]).all()


def test_a_transition_leaves_the_density_as_it_is_whatever_its_step():
    """Without the Metropolis test the variance would grow by 1 / (1 - step^2 / 4) and more."""
    chains, b = 20000, 0.5
    precision = (1 - b) + b / SCALES.square()
    mean = b * CENTRES / SCALES.square() / precision
    normal = torch.randn((2, chains, 3), generator=streams(0)[0])
    here = Chains(gaussians, mean[:, None] + normal / precision.sqrt()[:, None], streams(1, 2))
    for _ in range(3):
        accepted = here.move(b, torch.tensor([0.6, 0.9]), 2).mean(dim=1)
    assert (accepted < 0.95).all() and (accepted > 0.3).all()
    scaled = (here.points - mean[:, None]) * precision.sqrt()[:, None]
    assert (scaled.mean(dim=1).abs() < 4 / math.sqrt(chains)).all()
    assert ((scaled.var(dim=1) - 1).abs() < 4 * math.sqrt(2 / chains)).all()


def test_energies_beside_the_points_are_those_of_the_points():
    here = Chains(gaussians, torch.zeros(2, 4, 3), streams(1, 2))
    for _ in range(5):
        here.move(0.7, torch.tensor([0.5, 1.4]), 2)
    energies, gradients = gaussians(here.points)
    torch.testing.assert_close(here.target, energies)
    torch.testing.assert_close(here.gradient, gradients)


def test_pilot_chains_find_steps_that_are_accepted_often_enough():
    """A density that is narrow needs smaller steps the nearer the path comes to it."""

    def narrow(points: Tensor) -> tuple[Tensor, Tensor]:
        return points.double().square().sum(dim=2) * 5000, points * 10000

    path, draws = even_path(400), streams(1)
    steps = pilot_steps(narrow, torch.zeros(1, 8, 3), path, 3, draws)
    assert steps.shape == (1, 399)
    assert steps[0, -1] < 0.1 * steps[0, 0]
    here = Chains(narrow, torch.randn((1, 2000, 3), generator=draws[0]) * 0.01, draws)
    assert abs(here.move(path[-2], steps[:, -1], 3).mean().item() - ACCEPTANCE) < 0.15


def test_what_overflows_is_refused():
    def infinite(points: Tensor) -> tuple[Tensor, Tensor]:
        energies = points.double().square().sum(dim=2)
        return energies.where(energies == 0, math.nan), points

    here = Chains(infinite, torch.zeros(2, 4, 3), streams(1, 2))
    assert here.move(0.5, torch.tensor([0.1, 0.1]), 1).max() == 0
    assert here.points.abs().max() == 0 and here.target.abs().max() == 0


def test_the_logarithm_of_a_mean_does_not_overflow():
    values = torch.tensor([[1000.0, 1000.0 + math.log(3)], [-1000.0, -1000.0]])
    np.testing.assert_allclose(log_mean_exp(values).numpy(), [1000 + math.log(2), -1000])
