"""The energy is minus the logarithm of the posterior that its docstring writes down, and hidden pixels are no part."""

import numpy as np
import pytest
import torch

from stages.priors.misfit import Misfit
from stages.restoration.latent.objective import Objective
from stages.restoration.observation import Observation, clean, masked, noisy, stack
from tests.restoration.examples import JUNK, with_junk

MISFIT = Misfit(slope=0.02)


def energies(observation: Observation, codes: torch.Tensor, images: torch.Tensor, compute, **options) -> torch.Tensor:
    """One code and image for each observation."""
    objective = Objective(observation, MISFIT.data_term, **options)
    return objective.batch(torch.arange(len(observation.y)), compute)(codes, images)


def test_the_energy_adds_the_data_terms_of_known_pixels_and_half_the_squared_norm(images, half, exact):
    observation = stack([noisy(images, 0.3, 0), masked(images, half)])
    codes = torch.randn((12, 4), generator=torch.Generator().manual_seed(0))
    drawn = torch.rand((12, 1, 28, 28), generator=torch.Generator().manual_seed(1))
    sensor = np.square(observation.sigma)[:, None, None, None]
    variance = MISFIT.variance(drawn).numpy() + sensor
    terms = np.square(drawn.numpy() - observation.y) / variance + np.log(variance)
    expected = (terms * observation.mask).sum(axis=(1, 2, 3)) / 2
    prior = np.square(codes.numpy()).sum(axis=1) / 2
    for weight in (0.0, 1.0, 3.0):
        found = energies(observation, codes, drawn, exact, prior=weight).numpy()
        np.testing.assert_allclose(found, expected + weight * prior, rtol=1e-5, atol=1e-3)


def test_each_code_is_measured_against_the_observation_that_owns_it(images, exact):
    owner = torch.tensor([4, 0, 4, 2])
    drawn = torch.from_numpy(images)[owner]
    observation = stack([noisy(images[:3], 0.2, 0), clean(images[3:])])
    codes = torch.zeros(4, 4)
    found = Objective(observation, MISFIT.data_term).batch(owner, exact)(codes, drawn)
    every = energies(observation, torch.zeros(6, 4), torch.from_numpy(images), exact)
    assert torch.equal(found, every[owner]) and len(set(every.tolist())) == 6


@pytest.mark.parametrize("junk", JUNK)
def test_hidden_pixels_change_no_bit_of_the_energy_or_its_gradient(images, half, exact, junk):
    seen = masked(images, half)
    results = []
    for observation in (seen, with_junk(seen, junk)):
        drawn = torch.full(images.shape, 0.3, requires_grad=True)
        energy = energies(observation, torch.ones(6, 4), drawn, exact)
        (gradient,) = torch.autograd.grad(energy.sum(), drawn)
        results.append((energy, gradient))
    assert all(torch.equal(first, second) for first, second in zip(*results, strict=True))
    assert not results[0][1][:, :, :, 14:].any() and results[0][1][:, :, :, :14].all()
