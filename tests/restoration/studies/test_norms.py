"""The norms: their values by hand, what each of them reads, the corruptions, and what searches make of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.judging.image_quality import mse
from stages.pipeline.params import Norms
from stages.priors.misfit import FLOOR, Misfit
from stages.restoration.observation import Observation, clean, masked, noisy, salt_and_pepper
from stages.restoration.studies.norms import (
    HUBER,
    NORMS,
    compare_norms,
    corrupted,
    huber_variance,
    norm_objective,
    typical_misfit,
)
from stages.restoration.windows import draw_windows
from tests.restoration.examples import check

MISFIT = Misfit(slope=0.02)
MEAN_MISFIT = 0.0075
KNOWN, HIDDEN = [0.5, 0.1], -0.7  # residuals; sigma^2 + mean misfit is 0.05^2 + 0.0075 = 0.1^2
BRIGHTNESS = 0.5


@pytest.fixture
def observation() -> Observation:
    """One image of three pixels, the last of which is hidden."""
    y = BRIGHTNESS - np.array([*KNOWN, HIDDEN], dtype=np.float32).reshape(1, 1, 1, 3)
    return Observation(y, np.array([True, True, False]).reshape(1, 1, 1, 3), np.array([0.05], dtype=np.float32))


def energy(observation: Observation, norm: str, compute, prior: bool = False) -> float:
    objective = norm_objective(norm, prior, observation, MISFIT, MEAN_MISFIT)
    images = torch.full(observation.y.shape, BRIGHTNESS)
    return objective.batch(torch.tensor([0]), compute)(torch.tensor([[3.0, 4.0]]), images).item()


WIDENED = 1.47627**0.5  # Huber's density has this variance: see the test below


def by_hand() -> dict[str, float]:
    """Of residuals of 5 and 1 standard deviations, and of 7 where hidden pixels count."""
    variance = FLOOR + 0.02 * 0.5 + 0.05**2
    return {
        "l2_all": (25 + 1 + 49) / 2,
        "l2": (25 + 1) / 2,
        "l1": np.sqrt(2) * (5 + 1),
        "huber": HUBER * (5 * WIDENED - HUBER / 2) + WIDENED**2 / 2,
        "misfit": (0.25 + 0.01) / variance / 2 + np.log(variance),  # twice half a logarithm
    }


@pytest.mark.parametrize("norm", NORMS)
def test_values_are_those_by_hand(observation, exact, norm):
    assert energy(observation, norm, exact) == pytest.approx(by_hand()[norm], rel=1e-4)


def test_hubers_variance_is_that_of_its_density_summed_up():
    r = np.linspace(-40, 40, 800_001)
    density = np.exp(-np.where(np.abs(r) < HUBER, r**2 / 2, HUBER * (np.abs(r) - HUBER / 2)))
    assert huber_variance(HUBER) == pytest.approx((density * r**2).sum() / density.sum(), rel=1e-6)
    assert huber_variance(HUBER) == pytest.approx(WIDENED**2, rel=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_the_prior_adds_half_the_squared_norm(observation, exact, norm):
    difference = energy(observation, norm, exact, prior=True) - energy(observation, norm, exact)
    assert difference == pytest.approx(25 / 2, rel=1e-4)


@pytest.mark.parametrize("norm", NORMS)
def test_l2_all_reads_hidden_pixels_and_the_others_do_not(observation, exact, norm):
    hidden = ~observation.mask
    other = Observation(np.where(hidden, np.float32(0.3), observation.y), observation.mask, observation.sigma)
    same = energy(observation, norm, exact) == energy(other, norm, exact)
    assert same == (norm != "l2_all")


def test_salt_and_pepper_fall_on_as_many_pixels_as_asked_and_leave_the_others():
    images = np.random.default_rng(0).uniform(0.1, 0.9, (40, 3, 28, 28)).astype(np.float32)
    seen = salt_and_pepper(images, 0.3, seed=0)
    pepper, salt = (seen.y == 0).all(axis=1), (seen.y == 1).all(axis=1)  # all channels of a pixel
    assert pepper.mean() == pytest.approx(0.15, abs=0.01) and salt.mean() == pytest.approx(0.15, abs=0.01)
    untouched = np.broadcast_to(~(pepper | salt)[:, None], images.shape)
    assert np.array_equal(seen.y[untouched], images[untouched])
    assert seen.y.dtype == np.float32 and seen.mask.all() and not seen.sigma.any()


def test_salt_and_pepper_depend_on_the_seed_and_a_larger_share_adds_to_a_smaller():
    images = np.full((10, 1, 28, 28), 0.5, dtype=np.float32)
    few, again, other = (salt_and_pepper(images, 0.1, seed).y for seed in (0, 0, 1))
    assert np.array_equal(few, again) and not np.array_equal(few, other)
    assert (salt_and_pepper(images, 0.4, 0).y[few != 0.5] != 0.5).all()


def test_every_corruption_is_one_condition_of_the_same_images(images):
    settings = Norms(images=6, sigmas=[0.1, 0.5], holes=[1, 2], window=8, restarts=1, salt_and_pepper=0.1)
    observed = corrupted(images, settings, seed=5)
    expected = {
        "clean": clean(images),
        "noise_0.1": noisy(images, 0.1, 5),
        "noise_0.5": noisy(images, 0.5, 5),
        "windows_1": masked(images, draw_windows(images, 1, 8, 5)),
        "windows_2": masked(images, draw_windows(images, 2, 8, 5)),
        "salt_and_pepper": salt_and_pepper(images, 0.1, 5),
    }
    assert observed.conditions == list(expected)
    assert (observed.condition_name, observed.labels) == ("corruption", None)
    for condition, own in expected.items():
        cell = observed.cell(condition)
        assert np.array_equal(observed.images[cell], images)
        for name, array in vars(observed.observation.rows(cell)).items():
            assert np.array_equal(array, getattr(own, name))


def test_windows_may_be_left_out_of_the_comparison(images):
    settings = Norms(images=6, sigmas=[0.1], holes=[], window=8, restarts=1, salt_and_pepper=0.1)
    assert corrupted(images, settings, seed=0).conditions == ["clean", "noise_0.1", "salt_and_pepper"]


def test_typical_misfit_is_the_variance_averaged_over_pixels(search):
    def typical(slope: float) -> float:
        return typical_misfit(replace(search, prior=search.prior.with_misfit(Misfit(slope))))

    assert typical(0.0) == pytest.approx(FLOOR)
    one, two = (typical(slope) - FLOOR for slope in (0.01, 0.02))
    assert two == pytest.approx(2 * one, rel=1e-4) and 0 < two <= 0.01


def test_compare_norms_restores_with_each_norm_with_and_without_the_prior(search, images, half):
    """And hidden pixels spoil the norm that reads them, but no other."""
    found = compare_norms(search, masked(images, half))
    methods = {f"{norm}, prior {prior}": images.shape for norm in NORMS for prior in ("off", "on")}
    check(found, images=methods, codes={}, spread={})
    assert len({array.tobytes() for array in found.images.values()}) == 2 * len(NORMS)
    error = {name: np.median(mse(images, restored, ~half)) for name, restored in found.images.items()}
    assert {name for name in error if error[name] > 1e-4} == {"l2_all, prior off", "l2_all, prior on"}
