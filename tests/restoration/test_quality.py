"""Quality measures where a formula gives the answer, and rows that average what they say."""

import math

import numpy as np
import pytest

from stages.restoration.quality import (
    Interval,
    calibration_rows,
    denoising_rows,
    inpainting_rows,
    inversion_rows,
    mse,
    norm_rows,
    paired_rows,
    psnr,
    ssim,
)

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
        "labels": np.zeros(8, dtype=np.uint8),
        "plain_labels": np.repeat([0, 1], 4),
        "map_labels": np.zeros(8, dtype=np.uint8),
        "observed_labels": np.zeros(8, dtype=np.uint8),
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
    assert [row["label_accuracy"] for row in rows] == [1, 0, 1, 1]
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


def test_paired_rows_are_differences_image_by_image(images):
    arrays = {
        "sigma": np.repeat([0.0, 0.5], 4),
        "images": images,
        "map": images + np.float32(0.01),
        "posterior_mean": np.concatenate([images[:4], images[4:] + np.float32(0.001)]),
    }
    rows = paired_rows("denoising", "minimax", "sigma", arrays, {"tv": images + np.float32(0.1)}, ("tv",), INTERVAL)
    found = {(row["method"], row["condition"]): row["difference"] for row in rows}
    # At sigma 0 the posterior mean is the image itself: nothing to compare.
    assert set(found) == {("map", 0.0), ("map", 0.5), ("posterior_mean", 0.5)}
    assert found["map", 0.5] == pytest.approx(20, abs=0.01)
    assert found["posterior_mean", 0.5] == pytest.approx(40, abs=0.1)
    assert rows[0]["difference_low"] <= rows[0]["difference"] <= rows[0]["difference_high"]


def test_paired_rows_of_windows_look_into_the_hole(images):
    mask = np.ones_like(images, dtype=bool)
    mask[:, :, :8, :8] = False
    arrays = {"holes": np.ones(8, dtype=int), "images": images, "mask": mask}
    arrays |= dict.fromkeys(
        ("map", "posterior_mean"), np.where(mask, images + np.float32(0.5), images + np.float32(0.01))
    )
    without = {"telea": np.where(mask, images, images + np.float32(0.1))}
    rows = paired_rows("inpainting", "minimax", "holes", arrays, without, ("telea",), INTERVAL)
    assert [row["difference"] for row in rows] == pytest.approx([20, 20], abs=0.01)


def test_calibration_counts_ink_that_was_hidden(images):
    images = np.where(images < 0.5, np.float32(0), images)
    mask = np.ones_like(images, dtype=bool)
    mask[:, :, :8] = False
    half = np.zeros_like(images)
    half[:, :, :, 14:] = 1  # the right half lies inside the intervals, the left half not at all
    arrays = {
        "holes": np.ones(8, dtype=int),
        "images": images,
        "mask": mask,
        "low_50": np.full_like(images, 2),
        "high_50": np.full_like(images, 3),
        "low_90": np.where(half == 1, 0, np.float32(2)),
        "high_90": np.full_like(images, 3),
        "posterior_std": np.full_like(images, 0.25),
        "chain_weights": np.full((8, 4), 0.25),
        "r_hat": np.repeat([1.05, 1.5], 4),
    }
    (row,) = calibration_rows("inpainting", "minimax", "holes", arrays, INTERVAL)
    inked = (images >= 0.1) & ~mask
    assert row["coverage_50"] == 0
    assert row["coverage_90"] == pytest.approx(
        np.mean([(i & (h == 1)).sum() / i.sum() for i, h in zip(inked, half, strict=True)])
    )
    assert (row["std"], row["converged"], row["effective_chains"]) == pytest.approx((0.25, 0.5, 4))


def test_norm_rows_look_into_holes_where_there_are_any(images):
    mask = np.ones_like(images, dtype=bool)
    mask[4:, :, :8] = False
    arrays = {
        "loss": np.array("minimax"),
        "corruption": np.repeat(["clean", "windows 1"], 4),
        "images": images,
        "mask": mask,
        "l1, prior on": np.where(mask, images + np.float32(0.1), images + np.float32(0.01)),
    }
    rows = norm_rows(arrays, INTERVAL)
    assert [(row["corruption"], row["norm"], row["prior"]) for row in rows] == [
        ("clean", "l1", "on"),
        ("windows 1", "l1", "on"),
    ]
    assert [row["psnr"] for row in rows] == pytest.approx([20, 40], abs=0.05)
