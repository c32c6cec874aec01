"""Quality measures where a formula gives the answer, and rows that average what they say."""

import math

import numpy as np
import pytest

from stages.restoration.quality import Interval, denoising_rows, inpainting_rows, inversion_rows, mse, psnr, ssim

INTERVAL = Interval(resamples=500, seed=0)


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


def test_interval_holds_the_mean_and_shrinks_with_the_count():
    values = np.random.default_rng(0).normal(5, 2, size=400)
    low, high = INTERVAL.of_mean(values)
    assert low < values.mean() < high
    # The width of a 95 % interval of a mean is 3.92 standard errors.
    assert (high - low) / (3.92 * values.std() / 20) == pytest.approx(1, abs=0.15)
    assert INTERVAL.of_mean(values) == (low, high)
    assert all(math.isnan(bound) for bound in INTERVAL.of_mean(np.array([1.0, math.inf])))


def test_inversion_rows(images):
    arrays = {
        "source": np.repeat(["train", "test"], 4),
        "images": images,
        "plain": images + np.float32(0.1),
        "map": images + np.float32(0.001),
        "plain_codes": np.full((8, 4), 1.0, dtype=np.float32),
        "map_codes": np.full((8, 4), 0.5, dtype=np.float32),
    }
    rows = inversion_rows("minimax", ("plain", "map"), arrays, INTERVAL)
    assert [(row["method"], row["source"], row["n"]) for row in rows] == [
        ("plain", "train", 4),
        ("plain", "test", 4),
        ("map", "train", 4),
        ("map", "test", 4),
    ]
    assert [row["psnr"] for row in rows] == pytest.approx([20, 20, 60, 60], abs=0.01)
    assert [row["recovered"] for row in rows] == [0, 0, 1, 1]
    assert [row["z_norm"] for row in rows] == pytest.approx([2, 2, 1, 1])
    itself = inversion_rows("none", ("observed",), arrays | {"observed": images}, INTERVAL)
    assert [row["mse"] for row in itself] == [0, 0] and all(math.isnan(row["z_norm"]) for row in itself)


def test_denoising_rows_keep_noise_levels_apart(images):
    arrays = {
        "sigma": np.repeat([0.0, 0.5], 4),
        "images": images,
        "labels": np.zeros(8, dtype=np.uint8),
        "observed": images + np.repeat(np.float32([0, 0.1]), 4)[:, None, None, None],
        "map": images + np.float32(0.01),
        "map_labels": np.array([0, 0, 0, 0, 0, 1, 1, 1], dtype=np.uint8),
        "observed_labels": np.zeros(8, dtype=np.uint8),
    }
    clean, noisy = denoising_rows("none", ("observed",), arrays, INTERVAL)
    assert math.isinf(clean["psnr"]) and noisy["psnr"] == pytest.approx(20, abs=0.01)
    clean, noisy = denoising_rows("minimax", ("map",), arrays, INTERVAL)
    assert noisy["psnr"] == pytest.approx(40, abs=0.01)
    assert noisy["observed_psnr"] == pytest.approx(20, abs=0.01)
    assert (clean["label_accuracy"], noisy["label_accuracy"]) == (1.0, 0.25)


def test_inpainting_rows_tell_hole_from_known(images):
    mask = np.ones_like(images, dtype=bool)
    mask[:, :, :8, :8] = False
    arrays = {
        "holes": np.ones(8, dtype=int),
        "images": images,
        "mask": mask,
        "labels": np.zeros(8, dtype=np.uint8),
        "map": np.where(mask, images + np.float32(0.01), images + np.float32(0.1)),
        "map_labels": np.zeros(8, dtype=np.uint8),
    }
    (row,) = inpainting_rows("minimax", ("map",), arrays, INTERVAL)
    assert row["hole_psnr"] == pytest.approx(20, abs=0.01)
    assert row["known_psnr"] == pytest.approx(40, abs=0.01)
    assert row["hole_mse"] == pytest.approx(0.01, rel=1e-3)
    assert row["hole_psnr"] < row["psnr"] < row["known_psnr"]
