"""Rows of scores, which average what they say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from stages.judging.intervals import Bootstrap
from stages.judging.scores import inversion_rows, norm_rows, paired_rows, task_rows
from stages.restoration.restored import Restored
from tests.observations import observe, window

BOOTSTRAP = Bootstrap(resamples=500, seed=0)
ZEROS = np.zeros(8, dtype=np.uint8)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((8, 1, 28, 28), dtype=np.float32)


@pytest.fixture
def mask(images) -> np.ndarray:
    """Hides a corner of each image."""
    return window(images, slice(8), slice(8))


def test_inversion_rows(images):
    observed = observe(images, np.repeat(["train", "test"], 4))
    restored = Restored(
        images={"plain": images + np.float32(0.1), "map": images + np.float32(0.001)},
        codes={"plain": np.full((8, 4), 1.0, dtype=np.float32), "map": np.full((8, 4), 0.5, dtype=np.float32)},
    )
    labels = {"plain": np.repeat([0, 1], 4), "map": ZEROS}
    rows = inversion_rows("minimax", observed, restored, labels, BOOTSTRAP)
    assert [(row["prior"], row["method"], row["source"], row["n"]) for row in rows] == [
        ("minimax", "plain", "train", 4),
        ("minimax", "plain", "test", 4),
        ("minimax", "map", "train", 4),
        ("minimax", "map", "test", 4),
    ]
    assert [row["psnr"] for row in rows] == pytest.approx([20, 20, 60, 60], abs=0.01)
    assert [row["recovered"] for row in rows] == [0, 0, 1, 1]
    assert [row["label_accuracy"] for row in rows] == [1, 0, 1, 1]
    assert [row["z_norm"] for row in rows] == pytest.approx([2, 2, 1, 1])
    itself = inversion_rows("none", observed, Restored({"observed": images}), {"observed": ZEROS}, BOOTSTRAP)
    assert [row["mse"] for row in itself] == [0, 0] and all(math.isnan(row["z_norm"]) for row in itself)


def test_task_rows_keep_noise_levels_apart(images):
    y = images + np.repeat(np.float32([0, 0.1]), 4)[:, None, None, None]
    observed = observe(images, np.repeat([0.0, 0.5], 4), "sigma", y=y)
    clean, noisy = task_rows("none", observed, Restored({"observed": y}), {"observed": ZEROS}, BOOTSTRAP)
    assert math.isinf(clean["psnr"]) and noisy["psnr"] == pytest.approx(20, abs=0.01)
    labels = {"map": np.array([0, 0, 0, 0, 0, 1, 1, 1], dtype=np.uint8)}
    clean, noisy = task_rows("minimax", observed, Restored({"map": images + np.float32(0.01)}), labels, BOOTSTRAP)
    assert (clean["sigma"], noisy["sigma"], noisy["n"]) == (0, 0.5, 4)
    assert noisy["psnr"] == pytest.approx(40, abs=0.01)
    assert noisy["observed_psnr"] == pytest.approx(20, abs=0.01)
    assert (clean["label_accuracy"], noisy["label_accuracy"]) == (1.0, 0.25)


def test_task_rows_tell_hole_from_known(images, mask):
    observed = observe(images, 1, "holes", mask=mask)
    restored = Restored({"map": np.where(mask, images + np.float32(0.01), images + np.float32(0.1))})
    (row,) = task_rows("minimax", observed, restored, {"map": ZEROS}, BOOTSTRAP)
    assert (row["method"], row["holes"], row["n"], row["label_accuracy"]) == ("map", 1, 8, 1)
    assert row["hole_psnr"] == pytest.approx(20, abs=0.01)
    assert row["known_psnr"] == pytest.approx(40, abs=0.01)
    assert row["hole_mse"] == pytest.approx(0.01, rel=1e-3)
    assert row["hole_psnr"] < row["psnr"] < row["known_psnr"]


def test_paired_rows_are_differences_image_by_image(images):
    observed = observe(images, np.repeat([0.0, 0.5], 4), "sigma")
    restored = Restored(
        {
            "plain": images + np.float32(0.01),
            "map": images + np.float32(0.01),
            "posterior_mean": np.concatenate([images[:4], images[4:] + np.float32(0.001)]),
        }
    )
    rivals = Restored({"observed": images + np.float32(0.5), "tv": images + np.float32(0.1)})
    rows = paired_rows("denoising", "minimax", observed, restored, rivals, BOOTSTRAP)
    found = {(row["method"], row["condition"]): row["difference"] for row in rows}
    # At sigma 0 the posterior mean is the image itself: nothing to compare.
    assert set(found) == {("map", 0.0), ("map", 0.5), ("posterior_mean", 0.5)}
    assert {(row["prior"], row["task"], row["against"], row["n"]) for row in rows} == {
        ("minimax", "denoising", "tv", 4)
    }
    assert found["map", 0.5] == pytest.approx(20, abs=0.01)
    assert found["posterior_mean", 0.5] == pytest.approx(40, abs=0.1)
    assert rows[0]["difference_low"] <= rows[0]["difference"] <= rows[0]["difference_high"]


def test_paired_rows_of_windows_look_into_the_hole(images, mask):
    observed = observe(images, 1, "holes", mask=mask)
    found = np.where(mask, images + np.float32(0.5), images + np.float32(0.01))
    rivals = Restored({"telea": np.where(mask, images, images + np.float32(0.1))})
    restored = Restored({"map": found, "posterior_mean": found})
    rows = paired_rows("inpainting", "minimax", observed, restored, rivals, BOOTSTRAP)
    assert [row["difference"] for row in rows] == pytest.approx([20, 20], abs=0.01)


def test_norm_rows_look_into_holes_where_there_are_any(images):
    mask = window(images, slice(8))
    mask[:4] = True
    observed = observe(images, np.repeat(["clean", "windows_1"], 4), "corruption", mask=mask)
    found = np.where(mask, images + np.float32(0.1), images + np.float32(0.01))
    restored = Restored({"l2, prior off": images + np.float32(0.1), "l1, prior on": found})
    rows = norm_rows("minimax", observed, restored, BOOTSTRAP)
    assert {(row["prior"], row["n"]) for row in rows} == {("minimax", 4)}
    assert [(row["corruption"], row["norm"], row["with_prior"]) for row in rows] == [
        ("clean", "l2", "off"),
        ("clean", "l1", "on"),
        ("windows_1", "l2", "off"),
        ("windows_1", "l1", "on"),
    ]
    assert [row["psnr"] for row in rows] == pytest.approx([20, 20, 20, 40], abs=0.05)


def test_without_labels_the_rows_are_the_same_but_for_their_accuracy(images, mask):
    restored = Restored({"map": images + np.float32(0.1)}, {"map": np.ones((8, 4), dtype=np.float32)})
    whole, seen = observe(images, np.repeat(["train", "test"], 4)), observe(images, 1, "holes", mask=mask)
    for make, observed in ((inversion_rows, whole), (task_rows, seen)):
        with_labels = make("minimax", observed, restored, {"map": ZEROS}, BOOTSTRAP)
        without = make("minimax", replace(observed, labels=None), restored, None, BOOTSTRAP)
        assert all(row.pop("label_accuracy") == 1 for row in with_labels)
        assert without == with_labels
