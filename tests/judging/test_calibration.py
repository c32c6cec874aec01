"""Coverage, spread and agreement of chains, where they can be counted by hand."""

import numpy as np
import pytest

from stages.judging.calibration import calibration_rows
from stages.judging.intervals import Bootstrap
from stages.restoration.restored import Restored
from tests.observations import observe, window

BOOTSTRAP = Bootstrap(resamples=500, seed=0)


@pytest.fixture
def images() -> np.ndarray:
    """Noise, of which half is paper, and all of the border."""
    images = np.random.default_rng(0).random((8, 1, 28, 28), dtype=np.float32)
    images[:, :, [0, -1]] = images[:, :, :, [0, -1]] = 0
    return np.where(images < 0.5, np.float32(0), images)


@pytest.fixture
def half(images) -> np.ndarray:
    """1 in the right half."""
    half = np.zeros_like(images)
    half[:, :, :, 14:] = 1
    return half


@pytest.fixture
def restored(images, half) -> Restored:
    """The right half lies inside the wide intervals, the left half in none."""
    spread = {
        "low_50": np.full_like(images, 2),
        "high_50": np.full_like(images, 3),
        "low_90": np.where(half == 1, 0, np.float32(2)),
        "high_90": np.full_like(images, 3),
        "posterior_std": np.full_like(images, 0.25),
        "chain_weights": np.full((8, 4), 0.25),
        "r_hat": np.repeat([1.05, 1.5], 4),
    }
    return Restored({"posterior_mean": images}, spread=spread)


def test_calibration_counts_ink_that_was_hidden(images, half, restored):
    mask = window(images, slice(8))
    observed = observe(images, 1, "holes", mask=mask)
    (row,) = calibration_rows("inpainting", "minimax", observed, restored, BOOTSTRAP)
    assert (row["prior"], row["task"], row["condition"], row["n"]) == ("minimax", "inpainting", 1, 8)
    inked = (images >= 0.1) & ~mask
    assert row["coverage_50"] == 0
    assert row["coverage_90"] == pytest.approx(
        np.mean([(i & (h == 1)).sum() / i.sum() for i, h in zip(inked, half, strict=True)])
    )
    assert row["coverage_90_low"] <= row["coverage_90"] <= row["coverage_90_high"]
    assert (row["std"], row["converged"], row["effective_chains"]) == pytest.approx((0.25, 0.5, 4))
    assert row["r_hat"] == pytest.approx((1.05 + 1.5) / 2)


def test_calibration_counts_all_ink_where_nothing_was_hidden(images, half, restored):
    strong, weak = calibration_rows(
        "denoising", "minimax", observe(images, np.repeat([0.5, 0.1], 4), "sigma"), restored, BOOTSTRAP
    )
    assert (strong["condition"], weak["condition"], weak["n"]) == (0.5, 0.1, 4)
    inked = images[:4] >= 0.1
    assert strong["coverage_90"] == pytest.approx(
        np.mean([(i & (h == 1)).sum() / i.sum() for i, h in zip(inked, half[:4], strict=True)])
    )
    assert (strong["r_hat"], strong["converged"], weak["r_hat"], weak["converged"]) == (1.05, 1, 1.5, 0)


def test_images_without_ink_count_nowhere(images, restored):
    images[0] = 0
    images[4:] = 0
    observed = observe(images, np.repeat([1, 2], 4), "holes", mask=window(images, slice(8)))
    (row,) = calibration_rows("inpainting", "minimax", observed, restored, BOOTSTRAP)
    assert (row["condition"], row["n"]) == (1, 3)


def test_equal_chains_count_one_each_and_a_single_one_counts_alone(images, restored):
    restored.spread["chain_weights"] = np.repeat([[0.5, 0.5, 0, 0], [1, 0, 0, 0]], 4, axis=0)
    observed = observe(images, np.repeat([1, 2], 4), "holes", mask=window(images, slice(8)))
    rows = calibration_rows("inpainting", "minimax", observed, restored, BOOTSTRAP)
    assert [row["effective_chains"] for row in rows] == [2, 1]


def test_colours_on_a_light_ground_count_where_they_differ_from_it():
    images = np.full((4, 3, 8, 8), 0.8, dtype=np.float32)
    images[:, 0, 2:4, 2:6] = 0.3  # red alone, in 8 pixels
    low = np.where(images == np.float32(0.3), [[[[0.4]], [[0]], [[0]]]], 0)
    low[:, :, 2, :] = 0  # half of them inside the interval
    spread = {f"low_{share}": low.astype(np.float32) for share in ("50", "90")}
    spread |= {f"high_{share}": np.ones_like(images) for share in ("50", "90")}
    spread |= {"posterior_std": images, "chain_weights": np.full((4, 2), 0.5), "r_hat": np.ones(4)}
    restored = Restored({"posterior_mean": images}, spread=spread)
    (row,) = calibration_rows("denoising", "minimax", observe(images, 0.5, "sigma"), restored, BOOTSTRAP)
    assert (row["n"], row["coverage_50"], row["std"]) == (4, 0.5, pytest.approx(0.3))
