"""A linear generator of images, fitted to the training images: what a latent prior is without a network.

Its posterior mean has a formula: a Wiener filter where everything is seen, a conditional mean where pixels are hidden.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stages.images.stored import Images, StoredImages
from stages.pipeline.numerics.sizes import COVARIANCE_PIXELS, images_at_a_time
from stages.pipeline.numerics.streams import numpy_stream
from stages.restoration.observation import Observation

ROUNDING = 1 / 255**2 / 12  # variance that rounding to uint8 leaves in every pixel
# With more pixels the axes are approximate. With these settings a restored 64x64 RGB image is off by a root mean square
# of 0.0002 and less than 0.001 dB.
PASSES = 6  # over the images
DIRECTIONS = 2  # that are followed for each axis wanted: with 1, after 8 passes 0.03 dB are still missing
MOST_IMAGES = 20_000  # that are used of a larger set, evenly spaced: already from 4,600 to 9,200 there is 0.04 dB more


@dataclass(frozen=True)
class LinearModel:
    """x = mean + loadings z + e with z ~ N(0, I) and e ~ N(0, diag(residual)): a linear generator of D pixels.

    A pixel here is one value of one channel. The loadings are the leading principal axes, each times its standard
    deviation; the residual is what they leave of each pixel's variance (factor analysis: Bishop 2006, section 12.2.4,
    with principal axes as its factors). Probabilistic PCA (Tipping & Bishop 1999) has one residual variance for all
    pixels instead. On MNIST's validation images that is never better, and 0.75 dB behind at sigma 0.1: it takes the
    empty margin to be as uncertain as the strokes.
    """

    mean: np.ndarray  # (D,)
    loadings: np.ndarray  # (D, latent_dim), or (D, D) where there are fewer pixels than latents
    residual: np.ndarray  # (D,), variances


def fit_linear_model(images: Images, latent_dim: int) -> LinearModel:
    """Fit to images (N, C, S, S), uint8, read in chunks. The same images give the same model.

    Up to COVARIANCE_PIXELS pixels: time grows with N D^2 + D^3, memory with D^2. With more: time grows with
    N D latent_dim, memory with D latent_dim, and N is MOST_IMAGES at most.
    """
    pixels = math.prod(images.shape[1:])
    if pixels <= COVARIANCE_PIXELS:
        mean, _ = _moments(images)
        covariance = _covariance(images, mean)
        variance = np.diag(covariance)
        variances, axes = np.linalg.eigh(covariance)  # ascending
    else:
        images = _evenly_spaced(images, MOST_IMAGES)
        mean, variance = _moments(images)
        variances, axes = _leading_axes(images, mean, min(DIRECTIONS * latent_dim, pixels))
    loadings = axes[:, -latent_dim:] * np.sqrt(np.maximum(variances[-latent_dim:], 0))
    residual = variance - np.square(loadings).sum(axis=1)
    return LinearModel(mean, loadings, np.maximum(residual, ROUNDING))


def posterior_mean(model: LinearModel, observation: Observation) -> np.ndarray:
    """E[x | y] under a linear model: a Wiener filter where all is seen, a conditional mean where pixels are hidden."""
    shape = observation.y.shape
    y = observation.y.reshape(len(observation.y), -1).astype(np.float64)  # (N, D)
    known = np.broadcast_to(observation.mask, shape).reshape(y.shape)
    estimates = np.empty_like(y)
    for sigma, rows in _seen_alike(observation):
        weight = known[rows[0]] / (model.residual + sigma**2)  # 1 / Var[y | z]; 0 where hidden
        weighted = model.loadings.T * weight  # (latent_dim, D)
        precision = np.eye(len(weighted)) + weighted @ model.loadings
        codes = np.linalg.solve(precision, weighted @ (y[rows] - model.mean).T)  # (latent_dim, rows)
        drawn = model.mean + (model.loadings @ codes).T
        estimates[rows] = drawn + model.residual * weight * (y[rows] - drawn)
    return estimates.reshape(shape)


def _seen_alike(observation: Observation) -> list[tuple[float, list[int]]]:
    """A sigma and the images with it that show the same pixels: they share one precision, which takes the time."""
    alike: dict[tuple[float, bytes], list[int]] = {}
    for index, sigma in enumerate(observation.sigma.tolist()):
        alike.setdefault((sigma, observation.mask[index].tobytes()), []).append(index)
    return [(sigma, rows) for (sigma, _), rows in alike.items()]


def _evenly_spaced(images: Images, most: int) -> Images:
    """At most so many of the images, which stay where they are."""
    step = math.ceil(len(images) / most)
    if isinstance(images, StoredImages):
        return StoredImages(images.path, images.places[::step])
    return images[::step]


def _chunks(images: Images) -> Iterator[np.ndarray]:
    """The images (n, D), uint8, a few at a time."""
    count = images_at_a_time(images.shape[-1])
    for start in range(0, len(images), count):
        chunk = images[start : start + count]
        yield chunk.reshape(len(chunk), -1)


def _centred(images: Images, mean: np.ndarray) -> Iterator[np.ndarray]:
    """The same in [0, 1], less the mean (D,): (n, D), float32."""
    for chunk in _chunks(images):
        floats = chunk / 255
        floats -= mean
        yield floats.astype(np.float32)


def _moments(images: Images) -> tuple[np.ndarray, np.ndarray]:
    """The mean and variance of each pixel (D,)."""
    pixels = math.prod(images.shape[1:])
    total, squares = np.zeros(pixels), np.zeros(pixels)  # of whole numbers, so exact
    for chunk in _chunks(images):
        total += chunk.sum(axis=0, dtype=np.float64)
        squares += np.square(chunk, dtype=np.float64).sum(axis=0)
    mean = total / len(images) / 255
    return mean, squares / len(images) / 255**2 - mean**2


def _covariance(images: Images, mean: np.ndarray) -> np.ndarray:
    """The covariance of the pixels (D, D).

    Its products are sums of whole numbers in float64, which are exact: the same on every machine.
    """
    products = np.zeros((len(mean), len(mean)))
    for chunk in _chunks(images):
        values = chunk.astype(np.float64)
        products += values.T @ values
    return products / len(images) / 255**2 - np.outer(mean, mean)


def _leading_axes(images: Images, mean: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Variances (count,), ascending, and axes (D, count) about as the covariance has them, best the leading half.

    Randomised subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4). SciPy's lobpcg needs as many passes,
    and breaks down soon after, since products in float32 do not let its residuals vanish.
    """
    axes = numpy_stream(0, "principal axes").standard_normal((len(mean), count))
    for _ in range(PASSES - 1):
        axes, _ = np.linalg.qr(_covariance_times(axes, images, mean))
    variances, turned = np.linalg.eigh(axes.T @ _covariance_times(axes, images, mean))
    return variances, axes @ turned


def _covariance_times(vectors: np.ndarray, images: Images, mean: np.ndarray) -> np.ndarray:
    """The covariance times vectors (D, K), without the covariance: one pass over the images."""
    product, vectors = np.zeros_like(vectors), vectors.astype(np.float32)
    for centred in _centred(images, mean):
        product += centred.T @ (centred @ vectors)
    return product / len(images)
