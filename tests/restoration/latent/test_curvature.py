"""Curvature: what reverse mode finds, over known pixels only, and made flat by whitening."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.restoration.latent.curvature import curvatures, evenly, jacobian, whiten
from stages.restoration.observation import masked
from tests.restoration.examples import with_junk


def slopes_of(generate, code: torch.Tensor) -> torch.Tensor:
    """dG/dz of one code by reverse mode, (pixels, latent_dim)."""
    return torch.autograd.functional.jacobian(lambda z: generate(z[None]).flatten(), code)


def test_jacobian_is_what_reverse_mode_finds(tiny_generator, search, exact):
    codes = torch.from_numpy(search.draw_prior(3))
    found = jacobian(tiny_generator, codes, exact)
    assert found.shape == (3, 28 * 28, 4)
    for code, slopes in zip(codes, found, strict=True):
        torch.testing.assert_close(slopes, slopes_of(tiny_generator, code), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("search_batch", [8, 64])  # a code at a time, and four
def test_curvatures_are_weighted_sums_over_known_pixels_averaged_over_codes(
    tiny_generator, search, images, exact, search_batch
):
    mask = np.random.default_rng(0).random(images.shape) < 0.5  # another one for each image
    observation, codes = masked(images, mask), search.draw_prior(12).reshape(6, 2, 4)
    compute, misfit = replace(exact, search_batch=search_batch), search.prior.misfit
    even, information = (
        curvatures(tiny_generator, observation, codes, weigh, compute) for weigh in (evenly, misfit.information)
    )
    assert even.shape == information.shape == (6, 4, 4)
    for own, known, *found in zip(torch.from_numpy(codes), torch.from_numpy(mask), even, information, strict=True):
        expected = []
        for code in own:
            slopes, drawn = slopes_of(tiny_generator, code)[known.flatten()], tiny_generator(code[None])[0][known]
            weights = (torch.ones_like(drawn), misfit.information(drawn, torch.zeros(())))
            expected.append(torch.stack([slopes.T @ torch.diag(weight) @ slopes for weight in weights]))
        torch.testing.assert_close(torch.stack(found), torch.stack(expected).mean(dim=0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("junk", [0.7, np.nan])
def test_hidden_pixels_do_not_count(tiny_generator, search, images, half, exact, junk):
    codes = np.tile(search.draw_prior(1), (6, 1, 1))
    seen = masked(images, half)
    first, second = (curvatures(tiny_generator, each, codes, evenly, exact) for each in (seen, with_junk(seen, junk)))
    assert torch.equal(first, second)


def test_whitened_coordinates_have_the_same_curvature_in_all_directions():
    root = torch.randn((5, 7, 7), generator=torch.Generator().manual_seed(0))
    hessian = root @ root.mT + torch.eye(7)
    axes = whiten(hessian)
    torch.testing.assert_close(axes.mT @ hessian @ axes, torch.eye(7).expand(5, 7, 7), rtol=0, atol=1e-4)
    torch.testing.assert_close(axes @ axes.mT, torch.linalg.inv(hessian), rtol=1e-3, atol=1e-4)
