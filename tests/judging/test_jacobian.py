"""Singular values of a generator's Jacobian: as the whole matrix has them, and no more than the code has numbers."""

import numpy as np
import pytest
import torch

from stages.judging.jacobian import generator_singular_values, singular_values
from stages.pipeline import artifacts
from stages.pipeline.networks import network_writer
from stages.pipeline.storage import publish
from stages.restoration.latent.curvature import jacobian


def test_they_are_those_of_small_changes_of_the_code(tiny_generator, exact):
    codes = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    found = singular_values(tiny_generator, codes, exact)
    assert found.shape == (3, 4) and (np.diff(found) <= 0).all()
    change = 1e-2 * torch.eye(4)
    for code, own in zip(codes, found, strict=True):
        columns = (tiny_generator(code + change) - tiny_generator(code - change)).flatten(1).T / 2e-2
        np.testing.assert_allclose(np.linalg.svd(columns.double(), compute_uv=False), own, rtol=0.05)


def test_the_covariance_of_small_changes_has_no_further_direction(tiny_generator, exact):
    """J J', of 784 x 784 pixels, has the rank of a code."""
    codes = torch.randn(1, 4, generator=torch.Generator().manual_seed(0))
    slopes = jacobian(tiny_generator, codes, exact)[0].double()
    square = torch.linalg.eigvalsh(slopes @ slopes.T).flip(0).clamp(min=0).sqrt()
    np.testing.assert_allclose(square[:4], singular_values(tiny_generator, codes, exact)[0], rtol=1e-5)
    assert square[4:].max() < 1e-6 * square[0]


def test_of_a_trained_prior_at_the_same_codes_each_time(tiny_generator, exact, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    publish({artifacts.generator("vae"): network_writer(tiny_generator)})
    found = generator_singular_values("vae", 2, 0, exact)
    assert np.array_equal(found, generator_singular_values("vae", 2, 0, exact))
    assert generator_singular_values("vae", 2, 1, exact) != pytest.approx(found, rel=1e-3)
