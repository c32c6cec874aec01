"""Restorers without a GAN, to compare the latent search with: classical denoisers and inpainters and a linear model.

Each is used as somebody who knows it would: with settings chosen from a small grid, on validation images, for each
noise level or number of windows.
"""

import contextlib
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

import bm3d
import cv2
import numpy as np
from skimage.restoration import (
    cycle_spin,
    denoise_nl_means,
    denoise_tv_chambolle,
    denoise_wavelet,
    inpaint_biharmonic,
)

from stages.pipeline.errors import UserError
from stages.restoration.observation import Observation
from stages.restoration.quality import mse, psnr

Settings = dict[str, Any]

WORKERS = min(os.cpu_count() or 1, 4)  # each loads all of these libraries
ROUNDING = 1 / 255**2 / 12  # variance that rounding to uint8 leaves in every pixel


@dataclass(frozen=True)
class Baseline:
    """A way to estimate images (N, C, H, W) from an Observation, and the settings that are tried on it."""

    estimate: Callable[..., np.ndarray]  # (Observation, **settings) -> images; hidden pixels of y are 0
    grid: list[Settings]


def restore(baseline: Baseline, observation: Observation, settings: Settings) -> np.ndarray:
    """Images (N, C, H, W), float32 in [0, 1]; pixels that were seen without noise stay as they were seen.

    All estimates are clipped: that brings each pixel nearer to an image known to lie in [0, 1], or leaves it.
    """
    mask, certain = observation.mask, _certain(observation)
    if certain.all():
        return observation.y
    seen = np.where(mask, observation.y, np.float32(0))  # so that nothing depends on what is hidden
    estimate = baseline.estimate(Observation(seen, mask, observation.sigma), **settings)
    return np.where(certain, seen, np.clip(estimate, 0, 1)).astype(np.float32)


def tune(baseline: Baseline, images: np.ndarray, observation: Observation) -> tuple[Settings, float]:
    """The settings with the highest mean PSNR of `images` (N, C, H, W) restored from `observation`, and that PSNR.

    `images` are validation images. With hidden pixels it is their PSNR alone that counts. Without any, and without
    noise, there is nothing to choose: no settings.
    """
    if _certain(observation).all():
        return {}, math.inf
    where = None if observation.mask.all() else ~observation.mask
    scores = [psnr(mse(images, restore(baseline, observation, settings), where)).mean() for settings in baseline.grid]
    best = int(np.argmax(scores))
    return baseline.grid[best], float(scores[best])


@contextlib.contextmanager
def worker_processes() -> Iterator[Executor]:
    """Processes to tune in: most of these libraries hold Python's lock while they work.

    Raises UserError where one ends before its work is done.
    """
    # One thread each, or the linear algebra of all would compete for the cores. A process reads these when it loads
    # numpy, and the processes start as work arrives: they stay set until all work is done.
    alone = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    before = {name: os.environ.get(name) for name in alone}
    os.environ.update(alone)
    try:
        with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as workers:
            yield workers
    except BrokenProcessPool:
        raise UserError("a process that tuned baselines ended early: killed, perhaps for lack of memory") from None
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def tune_and_restore(
    baselines: dict[str, Baseline],
    workers: Executor,
    *,
    validation: np.ndarray,  # (M, C, H, W), the images behind `tuning`
    tuning: Sequence[Observation],  # of the validation images, one for each condition
    observations: Sequence[Observation],  # of the images to restore, under the same conditions
) -> tuple[dict[str, np.ndarray], dict[str, list[tuple[Settings, float]]]]:
    """For each method its images, all of the first condition first, and what `tune` chose for each condition."""
    conditions = list(zip(tuning, observations, strict=True))
    cells = [(baseline, *condition) for baseline in baselines.values() for condition in conditions]
    found = list(workers.map(partial(_tune_and_restore_cell, validation), *zip(*cells, strict=True)))
    count = len(conditions)
    by_method = {method: found[place * count : (place + 1) * count] for place, method in enumerate(baselines)}
    restored = {method: np.concatenate([images for images, _ in own]) for method, own in by_method.items()}
    return restored, {method: [choice for _, choice in own] for method, own in by_method.items()}


def _tune_and_restore_cell(
    validation: np.ndarray, baseline: Baseline, tuning: Observation, observation: Observation
) -> tuple[np.ndarray, tuple[Settings, float]]:
    """One method under one condition: its images, and what `tune` chose."""
    settings, score = tune(baseline, validation, tuning)
    return restore(baseline, observation, settings), (settings, score)


def denoisers(model: "LinearModel") -> dict[str, Baseline]:
    """The denoisers by name. Strengths and weights are in units of the noise's sigma."""
    return {
        "nl_means": Baseline(
            partial(_denoise_each, _nl_means),
            # Fast mode weighs all pixels of a patch alike; the other mode, by their distance from its centre: a little
            # better at some noise levels, but five times slower, so that fewer of its settings are tried.
            [
                {"patch_size": size, "patch_distance": 7, "strength": strength, "fast_mode": True}
                for size in (5, 7)
                for strength in (0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
            ]
            + [
                {"patch_size": 5, "patch_distance": 10, "strength": strength, "fast_mode": True}
                for strength in (0.5, 1.0)
            ]
            + [
                {"patch_size": 7, "patch_distance": 7, "strength": strength, "fast_mode": False}
                for strength in (0.5, 0.6, 0.7, 0.8)
            ],
        ),
        "tv": Baseline(
            partial(_denoise_each, _total_variation),
            # Both the library's tolerance and one that lets the iteration converge: stopping early can be better.
            [
                {"weight": weight, "tolerance": tolerance}
                for weight in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)
                for tolerance in (2e-4, 1e-5)
            ],
        ),
        "wavelet": Baseline(
            partial(_denoise_each, _wavelet),
            [
                {"wavelet": wavelet, "levels": levels, "method": method, "mode": mode, "strength": strength}
                for wavelet, levels in (("haar", 2), ("haar", 3), ("db2", 2))
                for method, mode, strength in (
                    ("BayesShrink", "soft", 1.0),
                    ("VisuShrink", "hard", 0.6),
                    ("VisuShrink", "hard", 0.7),
                    ("VisuShrink", "hard", 0.8),
                    ("VisuShrink", "hard", 0.9),
                )
            ],
        ),
        "bm3d": Baseline(
            partial(_denoise_each, _bm3d),
            # Blocks of 8 are the usual ones. Smaller ones fit strokes three pixels wide better, but hard thresholds of
            # blocks of 4 leave more noise, so they are tried with more strength.
            [
                {"threshold_block": threshold_block, "wiener_block": wiener_block, "strength": strength}
                for threshold_block, wiener_block, strengths in (
                    (8, 8, (0.9, 1.0)),
                    (8, 4, (0.9, 1.0, 1.1)),
                    (4, 4, (1.0, 1.1, 1.2, 1.3, 1.4)),
                )
                for strength in strengths
            ],
        ),
        "pca_wiener": Baseline(partial(posterior_mean, model), [{}]),
    }


def inpainters(model: "LinearModel") -> dict[str, Baseline]:
    """The inpainters by name; radii are in pixels."""
    radii = [{"radius": radius} for radius in (1, 2, 3, 4, 5, 7, 9, 12)]
    return {
        "mean_fill": Baseline(mean_fill, [{}]),
        "biharmonic": Baseline(partial(_fill_each, _biharmonic), [{}]),
        "telea": Baseline(partial(_fill_each, partial(_opencv, method=cv2.INPAINT_TELEA)), radii),
        "navier_stokes": Baseline(partial(_fill_each, partial(_opencv, method=cv2.INPAINT_NS)), radii),
        "pca_mean": Baseline(partial(posterior_mean, model), [{}]),
    }


@dataclass(frozen=True)
class LinearModel:
    """x = mean + loadings z + e with z ~ N(0, I) and e ~ N(0, diag(residual)): a linear generator of D pixels.

    The loadings are the leading principal axes, each times its standard deviation; the residual is what they leave of
    each pixel's variance (factor analysis: Bishop 2006, section 12.2.4, with principal axes as its factors).
    Probabilistic PCA (Tipping & Bishop 1999) has one residual variance for all pixels instead. On validation images
    that is never better, and 0.75 dB behind at sigma 0.1: it takes the empty margin to be as uncertain as the strokes.
    """

    mean: np.ndarray  # (D,)
    loadings: np.ndarray  # (D, latent_dim)
    residual: np.ndarray  # (D,), variances


def fit_linear_model(images: np.ndarray, latent_dim: int) -> LinearModel:
    """Fit to images (N, C, H, W), uint8. Exact: time grows with N D^2 + D^3, memory with D^2."""
    pixels = images.reshape(len(images), -1)
    mean = pixels.mean(axis=0, dtype=np.float64) / 255
    covariance = np.zeros((len(mean), len(mean)))
    for start in range(0, len(pixels), 1000):  # all images as floats would take four times their memory
        centred = (pixels[start : start + 1000] / 255 - mean).astype(np.float32)
        covariance += centred.T @ centred
    covariance /= len(pixels)
    variances, axes = np.linalg.eigh(covariance)  # ascending
    loadings = axes[:, -latent_dim:] * np.sqrt(np.maximum(variances[-latent_dim:], 0))
    residual = np.diag(covariance) - np.square(loadings).sum(axis=1)
    return LinearModel(mean, loadings, np.maximum(residual, ROUNDING))


def posterior_mean(model: LinearModel, observation: Observation) -> np.ndarray:
    """E[x | y] under a linear model: a Wiener filter where all is seen, a conditional mean where pixels are hidden."""
    shape = observation.y.shape
    y = observation.y.reshape(len(observation.y), -1).astype(np.float64)  # (N, D)
    known = np.broadcast_to(observation.mask, shape).reshape(y.shape)
    estimates = np.empty_like(y)
    for index, sigma in enumerate(observation.sigma.astype(np.float64)):
        weight = known[index] / (model.residual + sigma**2)  # 1 / Var[y | z]; 0 where hidden
        weighted = model.loadings.T * weight  # (latent_dim, D)
        precision = np.eye(len(weighted)) + weighted @ model.loadings
        drawn = model.mean + model.loadings @ np.linalg.solve(precision, weighted @ (y[index] - model.mean))
        estimates[index] = drawn + model.residual * weight * (y[index] - drawn)
    return estimates.reshape(shape)


def mean_fill(observation: Observation) -> np.ndarray:
    """Each hidden pixel is the mean of its image's known pixels, channel by channel."""
    counts = np.maximum(observation.mask.sum(axis=(2, 3), keepdims=True), 1)  # a window may hide all there is
    means = (observation.y * observation.mask).sum(axis=(2, 3), keepdims=True) / counts
    return np.where(observation.mask, observation.y, means)


def _certain(observation: Observation) -> np.ndarray:
    """The pixels (N, 1, H, W) that were seen without noise."""
    return observation.mask & (observation.sigma == 0)[:, None, None, None]


def _denoise_each(denoise: Callable[..., np.ndarray], observation: Observation, **settings: object) -> np.ndarray:
    """Images (N, C, H, W) from a function of one image (H, W, C) and its sigma."""
    images = np.moveaxis(observation.y.astype(np.float64), 1, -1)
    pairs = zip(images, observation.sigma.tolist(), strict=True)
    return np.moveaxis(np.stack([denoise(image, sigma, **settings) for image, sigma in pairs]), -1, 1)


def _fill_each(fill: Callable[..., np.ndarray], observation: Observation, **settings: object) -> np.ndarray:
    """Images (N, C, H, W) from a function of one image (H, W, C) and what is hidden of it (H, W), bool."""
    images = np.moveaxis(observation.y.astype(np.float64), 1, -1)
    pairs = zip(images, ~observation.mask[:, 0], strict=True)
    return np.moveaxis(np.stack([fill(image, hidden, **settings) for image, hidden in pairs]), -1, 1)


def _nl_means(
    image: np.ndarray,
    sigma: float,
    *,
    patch_size: int,
    patch_distance: int,
    strength: float,
    fast_mode: bool,
) -> np.ndarray:
    """Non-local means (Buades et al. 2005); patches are compared less the noise that is known to be in them."""
    return denoise_nl_means(
        image,
        patch_size=patch_size,
        patch_distance=patch_distance,
        h=strength * sigma,
        sigma=sigma,
        fast_mode=fast_mode,
        channel_axis=-1,
    ).reshape(image.shape)  # the library drops a single channel


def _total_variation(image: np.ndarray, sigma: float, *, weight: float, tolerance: float) -> np.ndarray:
    """Total variation (Rudin et al. 1992), minimised by Chambolle's (2004) iteration."""
    return denoise_tv_chambolle(image, weight=weight * sigma, eps=tolerance, max_num_iter=1000, channel_axis=-1)


def _wavelet(
    image: np.ndarray, sigma: float, *, wavelet: str, levels: int, method: str, mode: str, strength: float
) -> np.ndarray:
    """Wavelet thresholds (Donoho & Johnstone 1994; Chang et al. 2000), averaged over 16 shifts of the image.

    Two or three levels, where the library would take one for 28 pixels; at two, the shifts are all there are
    (translation-invariant denoising, Coifman & Donoho 1995).
    """
    return cycle_spin(
        image,
        denoise_wavelet,
        max_shifts=3,
        workers=1,
        channel_axis=-1,
        func_kw={
            "sigma": strength * sigma,
            "wavelet": wavelet,
            "wavelet_levels": levels,
            "method": method,
            "mode": mode,
            "channel_axis": -1,
        },
    )


def _bm3d(image: np.ndarray, sigma: float, *, threshold_block: int, wiener_block: int, strength: float) -> np.ndarray:
    """BM3D (Dabov et al. 2007); three channels in an opponent colour space."""
    profile = bm3d.BM3DProfile()
    profile.bs_ht, profile.bs_wiener = threshold_block, wiener_block
    profile.step_ht = profile.step_wiener = 2
    profile.nf = 0  # no tables for coloured noise: this is white, and they take 40 times as long as the rest
    profile.num_threads = 1  # several add in an order that varies, so the last bits would
    if image.shape[-1] == 3:
        return bm3d.bm3d_rgb(image, strength * sigma, profile)
    return bm3d.bm3d(image[..., 0], strength * sigma, profile)[..., None]


def _biharmonic(image: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The smoothest filling that meets the known pixels (Damelin & Hoang 2018)."""
    if hidden.all():  # nothing to meet: black, as from the other inpainters
        return image
    return inpaint_biharmonic(image, hidden, channel_axis=-1)


def _opencv(image: np.ndarray, hidden: np.ndarray, *, radius: int, method: int) -> np.ndarray:
    """Fast marching (Telea 2004) or transport along isophotes (Bertalmio et al. 2001).

    In uint8, which is what the images came in; so a filled pixel is one of 256 values, up to 1/510 from where it would
    be. Telea's method on floats gives far worse images in this release of OpenCV.
    """
    filled = cv2.inpaint(np.rint(image * 255).astype(np.uint8), hidden.astype(np.uint8), radius, method)
    return filled.reshape(image.shape) / 255
