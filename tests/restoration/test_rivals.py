"""Rivals: better than what they are given, blind to what is hidden, tuned on other images than they restore."""

import math
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from stages.judging.image_quality import mse
from stages.pipeline import named
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from stages.restoration.linear_model import LinearModel, fit_linear_model
from stages.restoration.observation import Observation, clean, masked, noisy, stack
from stages.restoration.observed import Observed
from stages.restoration.rival import (
    OPPONENT,
    Contest,
    Estimate,
    Outcome,
    contend,
    load_rival,
    restore,
    run_contests,
    tune,
)
from tests.observations import repeated
from tests.project import ROOT

DENOISERS = ("nl_means", "tv", "wavelet", "bm3d", "pca_wiener")
INPAINTERS = ("mean_fill", "biharmonic", "telea", "navier_stokes", "pca_mean")
SHAPES = [(1, 28), (1, 32), (3, 64)]  # channels and size


def smooth_images(count: int, *, channels: int, size: int = 28) -> np.ndarray:
    """Bright discs with soft edges (count, channels, size, size), each where a stream puts it."""
    stream = np.random.default_rng(0)
    row, column = np.mgrid[:size, :size]
    centres = size * stream.uniform(0.35, 0.65, size=(count, channels, 2, 1, 1))
    distance = np.hypot(row - centres[:, :, 0], column - centres[:, :, 1])
    return (1 / (1 + np.exp(distance - size / 5))).astype(np.float32)


def training_images(channels: int, size: int = 28) -> np.ndarray:
    return np.rint(255 * smooth_images(200, channels=channels, size=size)).astype(np.uint8)[20:]


@cache
def linear_model(channels: int, size: int = 28) -> LinearModel:
    return fit_linear_model(training_images(channels, size), latent_dim=10)


def estimate_of(rival: str, channels: int, size: int = 28) -> Estimate:
    """How a rival estimates images of this shape, with its model where it has one."""
    found = load_rival(rival)
    return found.estimate if found.fit is None else partial(found.estimate, linear_model(channels, size))


def middle_window(size: int) -> np.ndarray:
    """A mask (4, 1, size, size) that hides one window in the middle of each image, where the discs are."""
    mask = np.ones((4, 1, size, size), dtype=bool)
    hidden = slice(size // 2 - size // 7, size // 2 + size // 7)
    mask[:, :, hidden, hidden] = False
    return mask


@pytest.fixture
def window() -> np.ndarray:
    return middle_window(28)


def test_every_rival_is_named_for_its_task():
    rivals = load_params(ROOT / "params.yaml").rivals
    assert {*DENOISERS, "unet"} <= set(rivals["denoising"]) and {*INPAINTERS, "unet"} <= set(rivals["inpainting"])
    assert {*DENOISERS, *INPAINTERS, "unet"} <= set(named.names(named.RIVALS))


def test_an_unknown_rival_is_refused_by_name():
    with pytest.raises(UserError, match=r"no_such: .* it has biharmonic, bm3d, mean_fill"):
        load_rival("no_such")


@pytest.mark.parametrize(("channels", "size"), SHAPES)
@pytest.mark.parametrize("rival", DENOISERS)
def test_denoisers_remove_noise(rival, channels, size):
    images = smooth_images(2, channels=channels, size=size)
    observation = noisy(images, 0.3, seed=0)
    grid = list(load_rival(rival).grid)
    for settings in (grid[0], grid[-1]):
        restored = restore(estimate_of(rival, channels, size), observation, settings)
        assert restored.shape == images.shape and restored.dtype == np.float32
        assert restored.min() >= 0 and restored.max() <= 1
        # A quarter of the error that clipping alone leaves.
        assert (mse(images, restored) < mse(images, np.clip(observation.y, 0, 1)) / 4).all()


@pytest.mark.parametrize("rival", DENOISERS)
def test_without_noise_denoisers_return_the_observation(rival):
    observation, estimate = clean(smooth_images(2, channels=1)), estimate_of(rival, channels=1)
    assert tune(estimate, load_rival(rival).grid, observation.y, observation) == ({}, math.inf)
    assert np.array_equal(restore(estimate, observation, {}), observation.y)


@pytest.mark.parametrize("rival", ["nl_means", "tv", "wavelet", "bm3d"])
def test_denoisers_use_what_channels_share(rival):
    images = np.repeat(smooth_images(2, channels=1, size=32), 3, axis=1)
    observation = noisy(images, 0.3, seed=0)
    estimate, grid = load_rival(rival).estimate, list(load_rival(rival).grid)
    settings = grid[len(grid) // 2]
    together = restore(estimate, observation, settings)
    alone = [replace(observation, y=observation.y[:, [channel]]) for channel in range(3)]
    one_by_one = np.concatenate([restore(estimate, channel, settings) for channel in alone], axis=1)
    assert (mse(images, together) < 0.9 * mse(images, one_by_one)).all()


def test_opponent_colours_keep_white_noise_white_and_grey_in_one_channel():
    np.testing.assert_allclose(OPPONENT @ OPPONENT.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(OPPONENT @ np.ones(3), [math.sqrt(3), 0, 0], atol=1e-12)


@pytest.mark.parametrize(("channels", "size"), SHAPES)
@pytest.mark.parametrize("rival", INPAINTERS)
def test_inpainters_fill_what_is_hidden_and_nothing_else(rival, channels, size):
    images, window = smooth_images(4, channels=channels, size=size), middle_window(size)
    observation = masked(images, window)
    estimate, settings = estimate_of(rival, channels, size), list(load_rival(rival).grid)[-1]
    restored = restore(estimate, observation, settings)
    known = np.broadcast_to(window, images.shape)
    assert np.array_equal(restored[known], images[known])
    assert (mse(images, restored, ~window) < mse(images, observation.y, ~window)).all()

    blind = Observation(np.where(window, images, np.float32(np.nan)), window, observation.sigma)
    assert np.array_equal(restore(estimate, blind, settings), restored)


@pytest.mark.parametrize("rival", INPAINTERS)
def test_an_image_hidden_as_a_whole_has_an_answer(rival):
    images = smooth_images(1, channels=1)
    observation = masked(images, np.zeros_like(images, dtype=bool))
    restored = restore(estimate_of(rival, channels=1), observation, next(iter(load_rival(rival).grid)))
    guess = linear_model(channels=1).mean.reshape(images.shape) if rival == "pca_mean" else np.zeros_like(images)
    np.testing.assert_allclose(restored, guess, atol=1e-6)


def test_mean_fill_takes_each_channels_known_mean(window):
    images = smooth_images(4, channels=3)
    restored = restore(estimate_of("mean_fill", channels=3), masked(images, window), {})
    expected = images[2, 1][window[2, 0]].mean()
    np.testing.assert_allclose(restored[2, 1][~window[2, 0]], expected, rtol=1e-5)


def test_tune_takes_the_best_settings_of_the_grid(window):
    images = smooth_images(4, channels=1)

    def off_by(_observation: Observation, error: float) -> np.ndarray:
        return images + error

    settings, score = tune(off_by, [{"error": error} for error in (0.2, -0.01, 0.1)], images, noisy(images, 0.3, 0))
    assert settings == {"error": -0.01} and score >= 40  # more where clipping mends the rest

    # With hidden pixels only those count: here the settings that are the worst elsewhere.
    def filled(_observation: Observation, hole: np.ndarray | float) -> np.ndarray:
        return np.where(window, images - 1, hole)

    assert tune(filled, [{"hole": 2.0}, {"hole": images}], images, masked(images, window))[0] == {"hole": images}


def test_one_image_restored_without_error_does_not_decide_what_tune_takes(window):
    images = smooth_images(4, channels=1)

    def off_by(_observation: Observation, errors: tuple[float, ...]) -> np.ndarray:
        return images + np.reshape(errors, (4, 1, 1, 1))

    grid = [{"errors": (0.0, 0.5, 0.5, 0.5)}, {"errors": (-0.01, -0.01, -0.01, -0.01)}]
    settings, score = tune(off_by, grid, images, masked(images, window))
    assert settings == grid[1] and score >= 40


def observed_under(images: np.ndarray, sigmas: tuple[float, ...], seed: int) -> Observed:
    observation = stack([noisy(images, sigma, seed) for sigma in sigmas])
    return repeated(images, np.zeros(len(images), dtype=np.uint8), observation, list(sigmas), "sigma")


def test_choices_do_not_depend_on_the_images_to_restore():
    images = smooth_images(6, channels=1)

    def outcome(rival: str, sigma: float, test: np.ndarray) -> Outcome:
        model = linear_model(channels=1) if load_rival(rival).fit else None
        tuning = noisy(images[:2], sigma, seed=1)
        return contend(Contest(rival, model, images[:2], tuning, noisy(test, sigma, seed=0)))

    for rival in ("tv", "pca_wiener"):
        for sigma in (0.1, 0.5):
            own, other = (outcome(rival, sigma, test) for test in (images[2:], 1 - images[2:5]))
            assert (own.settings, own.score) == (other.settings, other.score)
            assert len(own.images) == 4 and len(other.images) == 3


def test_contests_give_each_condition_its_own_choice_and_images_in_their_order():
    images, sigmas = smooth_images(6, channels=1), (0.1, 0.5)
    tuning, observed = observed_under(images[:2], sigmas, seed=1), observed_under(images[2:], sigmas, seed=0)
    found = run_contests(["tv", "pca_wiener"], training_images(channels=1), 10, tuning, observed)
    assert list(found) == ["tv", "pca_wiener"]
    weights = [outcome.settings["weight"] for outcome in found["tv"]]
    assert len(weights) == 2 and weights == sorted(weights)
    for rival, outcomes in found.items():
        estimate, grid = estimate_of(rival, channels=1), load_rival(rival).grid
        last_bits = 0 if rival == "tv" else 1e-6  # of linear algebra: contests run in processes of one thread
        for sigma, outcome in zip(sigmas, outcomes, strict=True):
            chosen = tune(estimate, grid, images[:2], noisy(images[:2], sigma, seed=1))
            assert chosen == (outcome.settings, pytest.approx(outcome.score, rel=last_bits, abs=0))
            again = restore(estimate, noisy(images[2:], sigma, seed=0), outcome.settings)
            np.testing.assert_allclose(outcome.images, again, rtol=0, atol=last_bits)
            assert outcome.images.dtype == np.float32
            validated = restore(estimate, noisy(images[:2], sigma, seed=1), outcome.settings)
            np.testing.assert_allclose(outcome.tuned, validated, rtol=0, atol=last_bits)


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 64)])
def test_the_same_bytes_every_time(channels, size):
    observation = noisy(smooth_images(2, channels=channels, size=size), 0.3, seed=0)
    for rival in DENOISERS:
        estimate, settings = estimate_of(rival, channels, size), list(load_rival(rival).grid)[-1]
        first, second = (restore(estimate, observation, settings) for _ in range(2))
        assert first.tobytes() == second.tobytes()
