"""Quality measures where a formula gives the answer."""

import math

import numpy as np
import pytest

from stages.judging.image_quality import hidden_psnr, mse, psnr, ssim


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((8, 1, 28, 28), dtype=np.float32)


def test_mse_and_psnr_of_a_constant_error(images):
    error = mse(images, images + np.float32(0.1))
    np.testing.assert_allclose(error, 0.01, rtol=1e-5)
    np.testing.assert_allclose(psnr(error), 20.0, atol=1e-3)
    assert psnr(mse(images, images)).tolist() == [math.inf] * 8


def test_mse_where_looks_at_those_pixels_alone(images):
    where = np.zeros_like(images, dtype=bool)
    where[:, :, :4] = True
    restored = np.where(where, images + np.float32(0.5), images - np.float32(9))
    np.testing.assert_allclose(mse(images, restored, where), 0.25, rtol=1e-5)


def test_hidden_pixels_that_are_filled_without_an_error_have_a_finite_psnr(images):
    hidden = np.zeros_like(images, dtype=bool)
    hidden[:, :, :4] = True
    restored = np.where(hidden, images, np.float32(9))
    restored[1, hidden[1]] += 0.1
    found = hidden_psnr(images, restored, hidden)
    np.testing.assert_allclose(found[:2], [58.92, 20.0], atol=0.01)


def test_mse_where_with_three_channels(images):
    colour = np.repeat(images, 3, axis=1)
    where = np.zeros_like(images, dtype=bool)
    where[:, :, :4] = True
    np.testing.assert_allclose(mse(colour, colour + np.float32(0.5), where), 0.25, rtol=1e-5)


def test_ssim_of_equals_is_one_and_falls_with_noise(images):
    noise = np.random.default_rng(1).standard_normal(images.shape, dtype=np.float32)
    assert ssim(images, images).tolist() == [1.0] * 8
    weak, strong = (ssim(images, images + np.float32(s) * noise).mean() for s in (0.1, 0.5))
    assert strong < weak < 1
