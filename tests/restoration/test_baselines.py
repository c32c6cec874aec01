"""Classical restorers and the linear model: better than what they are given, blind to what is hidden."""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from stages.pipeline.errors import UserError
from stages.restoration.baselines import (
    Baseline,
    LinearModel,
    denoisers,
    fit_linear_model,
    inpainters,
    posterior_mean,
    restore,
    tune,
    tune_and_restore,
    worker_processes,
)
from stages.restoration.observation import Observation, clean, masked, noisy
from stages.restoration.quality import mse, psnr

DENOISERS = ("nl_means", "tv", "wavelet", "bm3d", "pca_wiener")
INPAINTERS = ("mean_fill", "biharmonic", "telea", "navier_stokes", "pca_mean")


def smooth_images(count: int, *, channels: int, size: int = 28) -> np.ndarray:
    """Bright discs with soft edges (count, channels, size, size), each where a stream puts it."""
    stream = np.random.default_rng(0)
    row, column = np.mgrid[:size, :size]
    centres = size * stream.uniform(0.35, 0.65, size=(count, channels, 2, 1, 1))
    distance = np.hypot(row - centres[:, :, 0], column - centres[:, :, 1])
    return (1 / (1 + np.exp(distance - size / 5))).astype(np.float32)


@cache
def linear_model(channels: int) -> LinearModel:
    return fit_linear_model(np.rint(255 * smooth_images(200, channels=channels)).astype(np.uint8)[20:], latent_dim=10)


@pytest.fixture
def window() -> np.ndarray:
    """A mask (4, 1, 28, 28) that hides one window in the middle of each image, where the discs are."""
    mask = np.ones((4, 1, 28, 28), dtype=bool)
    mask[:, :, 10:18, 10:18] = False
    return mask


def test_methods_are_those_of_the_tables():
    model = linear_model(channels=1)
    assert tuple(denoisers(model)) == DENOISERS and tuple(inpainters(model)) == INPAINTERS


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("method", DENOISERS)
def test_denoisers_remove_noise(method, channels):
    images = smooth_images(2, channels=channels)
    observation = noisy(images, 0.3, seed=0)
    baseline = denoisers(linear_model(channels))[method]
    for settings in (baseline.grid[0], baseline.grid[-1]):
        restored = restore(baseline, observation, settings)
        assert restored.shape == images.shape and restored.dtype == np.float32
        assert restored.min() >= 0 and restored.max() <= 1
        # A quarter of the error that clipping alone leaves.
        assert (mse(images, restored) < mse(images, np.clip(observation.y, 0, 1)) / 4).all()


@pytest.mark.parametrize("method", DENOISERS)
def test_without_noise_denoisers_return_the_observation(method):
    observation = clean(smooth_images(2, channels=1))
    baseline = denoisers(linear_model(channels=1))[method]
    assert tune(baseline, observation.y, observation) == ({}, math.inf)
    assert np.array_equal(restore(baseline, observation, {}), observation.y)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("method", INPAINTERS)
def test_inpainters_fill_what_is_hidden_and_nothing_else(method, channels, window):
    images = smooth_images(4, channels=channels)
    observation = masked(images, window)
    baseline = inpainters(linear_model(channels))[method]
    restored = restore(baseline, observation, baseline.grid[-1])
    known = np.broadcast_to(window, images.shape)
    assert np.array_equal(restored[known], images[known])
    assert (mse(images, restored, ~window) < mse(images, observation.y, ~window)).all()

    blind = Observation(np.where(window, images, np.float32(np.nan)), window, observation.sigma)
    assert np.array_equal(restore(baseline, blind, baseline.grid[-1]), restored)


@pytest.mark.parametrize("method", ["nl_means", "tv", "wavelet", "bm3d"])
def test_larger_images_work_as_well(method):
    images = smooth_images(1, channels=1, size=64)
    baseline = denoisers(linear_model(channels=1))[method]
    restored = restore(baseline, noisy(images, 0.3, seed=0), baseline.grid[0])
    assert (psnr(mse(images, restored)) > 20).all()


@pytest.mark.parametrize("method", INPAINTERS)
def test_an_image_hidden_as_a_whole_has_an_answer(method):
    images = smooth_images(1, channels=1)
    observation = masked(images, np.zeros_like(images, dtype=bool))
    baseline = inpainters(linear_model(channels=1))[method]
    restored = restore(baseline, observation, baseline.grid[0])
    guess = linear_model(channels=1).mean.reshape(images.shape) if method == "pca_mean" else np.zeros_like(images)
    np.testing.assert_allclose(restored, guess, atol=1e-6)


def test_mean_fill_takes_each_channels_known_mean(window):
    images = smooth_images(4, channels=3)
    restored = restore(inpainters(linear_model(channels=3))["mean_fill"], masked(images, window), {})
    expected = images[2, 1][window[2, 0]].mean()
    np.testing.assert_allclose(restored[2, 1][~window[2, 0]], expected, rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.0, 0.4])
def test_posterior_mean_is_gaussian_conditioning(sigma):
    """Against E[x | y] = m + C_k (C_kk + sigma^2 I)^-1 (y_k - m_k), written out with the whole covariance."""
    stream = np.random.default_rng(0)
    model = LinearModel(
        mean=stream.random(12), loadings=stream.normal(size=(12, 3)), residual=stream.uniform(0.01, 0.2, size=12)
    )
    y = stream.random((2, 3, 2, 2), dtype=np.float32)
    mask = np.array([[[True, True], [True, True]], [[True, False], [False, True]]])[:, None]
    observation = Observation(np.where(mask, y, np.float32(0)), mask, np.full(2, sigma, dtype=np.float32))

    covariance = model.loadings @ model.loadings.T + np.diag(model.residual)
    for index, estimate in enumerate(posterior_mean(model, observation)):
        known = np.broadcast_to(mask[index], (3, 2, 2)).ravel()
        seen = covariance[np.ix_(known, known)] + np.float64(np.float32(sigma)) ** 2 * np.eye(known.sum())
        gain = covariance[:, known] @ np.linalg.inv(seen)
        expected = model.mean + gain @ (y[index].ravel()[known] - model.mean[known])
        np.testing.assert_allclose(estimate.ravel(), expected, atol=1e-9)


def test_linear_model_has_the_training_images_moments():
    images = np.random.default_rng(0).integers(256, size=(1500, 2, 3, 3), dtype=np.uint8)  # more than one chunk
    images[:, 1] = images[:, 0] // 2  # nine directions and rounding
    pixels = images.reshape(1500, 18) / 255
    model = fit_linear_model(images, latent_dim=9)
    covariance = model.loadings @ model.loadings.T + np.diag(model.residual)
    np.testing.assert_allclose(model.mean, pixels.mean(axis=0))
    np.testing.assert_allclose(covariance, np.cov(pixels.T, bias=True), atol=1e-4)

    # The variance of each pixel is kept however few directions there are.
    few = fit_linear_model(images, latent_dim=2)
    np.testing.assert_allclose(np.square(few.loadings).sum(axis=1) + few.residual, pixels.var(axis=0), rtol=1e-4)


def test_tune_takes_the_best_settings_of_the_grid(window):
    images = smooth_images(4, channels=1)
    baseline = Baseline(lambda observation, error: images + error, [{"error": error} for error in (0.2, -0.01, 0.1)])
    settings, score = tune(baseline, images, noisy(images, 0.3, seed=0))
    assert settings == {"error": -0.01} and score >= 40  # more where clipping mends the rest

    # With hidden pixels only those count: here the settings that are the worst elsewhere.
    known = Baseline(lambda observation, hole: np.where(window, images - 1, hole), [{"hole": 2.0}, {"hole": images}])
    assert tune(known, images, masked(images, window))[0] == {"hole": images}


def test_choices_do_not_depend_on_the_images_to_restore():
    model, images = linear_model(channels=1), smooth_images(6, channels=1)
    some = {name: baseline for name, baseline in denoisers(model).items() if name in ("tv", "pca_wiener")}
    sigmas = (0.1, 0.5)

    def run(test: np.ndarray) -> tuple[dict, dict]:
        with ThreadPoolExecutor(1) as workers:
            return tune_and_restore(
                some,
                workers,
                validation=images[:2],
                tuning=[noisy(images[:2], sigma, seed=1) for sigma in sigmas],
                observations=[noisy(test, sigma, seed=0) for sigma in sigmas],
            )

    (restored, choices), (_, others) = run(images[2:]), run(1 - images[2:5])
    assert choices == others
    assert [settings["weight"] for settings, _ in choices["tv"]] == sorted(s["weight"] for s, _ in choices["tv"])

    # Condition after condition, each with its own choice.
    for index, (settings, _) in enumerate(choices["tv"]):
        again = restore(some["tv"], noisy(images[2:], sigmas[index], seed=0), settings)
        assert np.array_equal(restored["tv"][4 * index : 4 * index + 4], again)


def test_workers_are_told_to_use_one_thread_and_a_killed_one_is_said_in_a_line(monkeypatch):
    """In one test since processes take seconds to start. What they were told is taken back in any case."""
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
    monkeypatch.setenv(names[0], "3")
    monkeypatch.delenv(names[1], raising=False)
    with pytest.raises(UserError, match="killed"), worker_processes() as workers:
        assert list(workers.map(os.getenv, names)) == ["1", "1"]
        workers.submit(os._exit, 1).result()
    assert [os.getenv(name) for name in names] == ["3", None]


def test_the_same_bytes_every_time():
    observation = noisy(smooth_images(2, channels=1), 0.3, seed=0)
    for baseline in denoisers(linear_model(channels=1)).values():
        first, second = (restore(baseline, observation, baseline.grid[-1]) for _ in range(2))
        assert first.tobytes() == second.tobytes()
