"""Restorations put together: weights that add up, that know who is right, and that never cost on what they see."""

import numpy as np
import pytest

from stages.restoration.combination import combine, fit_weights
from stages.restoration.observation import masked, noisy, stack
from stages.restoration.observed import Observed

STREAM = np.random.default_rng(0)
IMAGES = STREAM.random((6, 3, 16, 16)).astype(np.float32)
EVERYWHERE = np.ones((6, 1, 16, 16), dtype=bool)


def blurred(error: float, seed: int) -> np.ndarray:
    return IMAGES + np.float32(error) * np.random.default_rng(seed).standard_normal(IMAGES.shape, dtype=np.float32)


def test_independent_errors_are_weighed_by_their_variances():
    weights = fit_weights(IMAGES, [blurred(0.1, 1), blurred(0.2, 2)], EVERYWHERE)
    assert weights == pytest.approx([0.8, 0.2], abs=0.03)


def test_weights_are_shares():
    weights = fit_weights(IMAGES, [blurred(0.1, 1), blurred(0.1, 1) + 1, 0 * IMAGES], EVERYWHERE)
    assert weights.sum() == pytest.approx(1) and weights.min() >= 0


def test_the_one_that_is_right_has_all_the_weight():
    weights = fit_weights(IMAGES, [blurred(0.3, 1), IMAGES, blurred(0.3, 2)], EVERYWHERE)
    assert weights == pytest.approx([0, 1, 0], abs=1e-3)


def test_two_that_are_the_same_do_not_matter():
    one = fit_weights(IMAGES, [blurred(0.1, 1), blurred(0.2, 2)], EVERYWHERE)
    twice = fit_weights(IMAGES, [blurred(0.1, 1), blurred(0.2, 2), blurred(0.2, 2)], EVERYWHERE)
    assert [twice[0], twice[1:].sum()] == pytest.approx(one, abs=1e-6)


def test_only_the_pixels_that_count_do():
    where = EVERYWHERE.copy()
    where[:, :, 8:] = False
    spoilt = np.where(where, IMAGES, 7)
    assert fit_weights(IMAGES, [spoilt, blurred(0.1, 1)], where) == pytest.approx([1, 0], abs=1e-3)


def observed_twice() -> Observed:
    """The images whole and without noise, and then under noise."""
    seen = stack([masked(IMAGES, EVERYWHERE), noisy(IMAGES, 0.5, seed=0)])
    return Observed(np.tile(IMAGES, (2, 1, 1, 1)), None, seen, np.repeat(["0", "0.5"], 6), "sigma")


def test_each_condition_has_weights_of_its_own_and_what_is_certain_stays():
    observed = observed_twice()
    estimates = {"good": np.tile(blurred(0.1, 1), (2, 1, 1, 1)), "bad": np.tile(blurred(0.4, 2), (2, 1, 1, 1))}
    combined, weights = combine(observed, estimates, observed, estimates)
    assert list(weights) == ["0.5"] and weights["0.5"][0] > 0.9
    assert np.array_equal(combined[:6], IMAGES)
    error, least = (np.square(images[6:] - IMAGES).mean() for images in (combined, estimates["good"]))
    assert error < least and combined.dtype == np.float32 and 0 <= combined.min() <= combined.max() <= 1


def test_hidden_pixels_alone_are_weighed_and_filled():
    mask = EVERYWHERE.copy()
    mask[:, :, 4:12, 4:12] = False
    observed = Observed(IMAGES, None, masked(IMAGES, mask), np.repeat(["1"], 6), "holes")
    estimates = {"inside": np.where(mask, 9, blurred(0.05, 1)), "outside": np.where(mask, IMAGES, 9)}
    combined, weights = combine(observed, estimates, observed, estimates)
    assert weights["1"] == pytest.approx([1, 0], abs=1e-3)
    assert np.array_equal(combined[np.broadcast_to(mask, IMAGES.shape)], IMAGES[np.broadcast_to(mask, IMAGES.shape)])
