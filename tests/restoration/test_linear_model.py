"""The linear model: exact with few pixels, close to that with many, and read from the disk in chunks."""

import numpy as np
import pytest

from stages.images.stored import StoredImages
from stages.restoration import linear_model
from stages.restoration.linear_model import ROUNDING, LinearModel, fit_linear_model, posterior_mean
from stages.restoration.observation import Observation, masked, noisy, stack
from tests.observations import window

EXACT_OR_NOT = pytest.mark.parametrize("exact", [4096, 0])  # pixels up to which the axes are exact


def cloudy_images(count: int, *, channels: int = 3, size: int = 16) -> np.ndarray:
    """Soft clouds, much alike in all channels (count, channels, size, size), uint8."""
    stream = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij"))
    white = np.fft.rfft2(stream.normal(size=(count, channels, size, size)))
    clouds = np.fft.irfft2(white / (frequency + 1 / size) ** 2, s=(size, size))
    clouds += 2 * clouds.mean(axis=1, keepdims=True)
    return (128 + 40 * clouds / clouds.std()).clip(0, 255).round().astype(np.uint8)


def both_ways(images: np.ndarray, latent_dim: int, monkeypatch: pytest.MonkeyPatch) -> list[LinearModel]:
    """The exact model, and the one that is used where there are many pixels."""
    models = []
    for exact in (4096, 0):
        monkeypatch.setattr(linear_model, "COVARIANCE_PIXELS", exact)
        models.append(fit_linear_model(images, latent_dim))
    return models


def test_images_with_many_pixels_are_restored_as_by_the_exact_axes(monkeypatch):
    images = cloudy_images(600)
    exact, approximate = both_ways(images[20:], 40, monkeypatch)
    x = (images[:20] / 255).astype(np.float32)
    hidden = masked(x, window(x, slice(4, 9), slice(6, 11)))
    for observation in (noisy(x, 0.1, seed=0), noisy(x, 0.5, seed=0), hidden):
        expected = posterior_mean(exact, observation)
        np.testing.assert_allclose(posterior_mean(approximate, observation), expected, rtol=0, atol=1e-3)
        assert np.abs(expected - x).max() > 0.05  # otherwise anything would agree


@EXACT_OR_NOT
def test_the_variance_of_each_pixel_is_kept(exact, monkeypatch):
    monkeypatch.setattr(linear_model, "COVARIANCE_PIXELS", exact)
    images = cloudy_images(300)
    model = fit_linear_model(images, latent_dim=10)
    assert model.loadings.shape == (768, 10)
    variance = np.square(model.loadings).sum(axis=1) + model.residual
    np.testing.assert_allclose(variance, (images.reshape(300, -1) / 255).var(axis=0), rtol=1e-4)
    assert (model.residual > 10 * ROUNDING).all()


@EXACT_OR_NOT
@pytest.mark.parametrize(("count", "channels", "size"), [(5, 1, 8), (500, 3, 2)])
def test_more_latents_than_images_or_pixels_give_the_whole_covariance(count, channels, size, exact, monkeypatch):
    monkeypatch.setattr(linear_model, "COVARIANCE_PIXELS", exact)
    images = cloudy_images(count, channels=channels, size=size)
    model = fit_linear_model(images, latent_dim=20)
    covariance = model.loadings @ model.loadings.T + np.diag(model.residual)
    expected = np.cov(images.reshape(count, -1).T / 255, bias=True)
    np.testing.assert_allclose(covariance, expected, atol=2 * ROUNDING)
    assert model.loadings.shape == (channels * size**2, min(20, channels * size**2))


@EXACT_OR_NOT
def test_images_on_the_disk_are_read_in_chunks(exact, monkeypatch, tmp_path):
    monkeypatch.setattr(linear_model, "COVARIANCE_PIXELS", exact)
    monkeypatch.setattr(linear_model, "images_at_a_time", lambda _size: 7)
    images, path, places = cloudy_images(100), tmp_path / "images.npy", np.random.default_rng(0).permutation(100)[:80]
    np.save(path, images.transpose(0, 2, 3, 1))
    read, get = [], StoredImages.__getitem__
    monkeypatch.setattr(StoredImages, "__getitem__", lambda own, rows: read.append(get(own, rows)) or read[-1])
    stored = fit_linear_model(StoredImages(path, places), latent_dim=10)
    assert {len(chunk) for chunk in read} == {7, 80 % 7}
    for name, array in vars(fit_linear_model(images[places], latent_dim=10)).items():
        assert np.array_equal(getattr(stored, name), array), name


def test_of_a_large_set_evenly_spaced_images_are_used(monkeypatch, tmp_path):
    monkeypatch.setattr(linear_model, "COVARIANCE_PIXELS", 0)
    monkeypatch.setattr(linear_model, "MOST_IMAGES", 40)
    images = cloudy_images(100)
    np.save(tmp_path / "images.npy", images.transpose(0, 2, 3, 1))
    every_third = fit_linear_model(images[::3], latent_dim=10)
    for all_images in (images, StoredImages(tmp_path / "images.npy", np.arange(100))):
        for name, array in vars(fit_linear_model(all_images, latent_dim=10)).items():
            assert np.array_equal(array, getattr(every_third, name)), name


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


def test_images_seen_differently_are_estimated_as_if_alone():
    images = cloudy_images(104)
    model = fit_linear_model(images[4:], latent_dim=10)
    x = (images[:4] / 255).astype(np.float32)
    left, right = (masked(x, window(x, slice(None), columns)) for columns in (slice(8), slice(8, 16)))
    mixed = stack([noisy(x, 0.1, seed=0), left, noisy(x, 0.3, seed=0), right])
    order = np.random.default_rng(0).permutation(16)
    together = posterior_mean(model, mixed.rows(order))
    for place, index in enumerate(order):
        alone = posterior_mean(model, mixed.rows(np.array([index])))
        np.testing.assert_allclose(together[[place]], alone, rtol=0, atol=1e-9)


def test_sums_in_another_order_give_the_same_bits():
    """As on another machine, whose kernels add up otherwise."""
    images = np.random.default_rng(0).integers(0, 256, (300, 1, 6, 6), dtype=np.uint8)
    model, turned = (fit_linear_model(own, latent_dim=5) for own in (images, images[::-1].copy()))
    np.testing.assert_array_equal(model.mean, turned.mean)
    np.testing.assert_array_equal(model.loadings, turned.loadings)
    np.testing.assert_array_equal(model.residual, turned.residual)


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
