"""Rivals: restorers without a latent prior, what a person would use instead.

Each is used as somebody who knows it would: with settings chosen from a small grid, on validation images, for each
noise level or number of windows.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from stages.images.stored import Images
from stages.judging.image_quality import LEAST_MSE, mse, psnr
from stages.pipeline import named
from stages.pipeline.processes import map_in_processes
from stages.pipeline.storage import Row
from stages.restoration.observation import Observation
from stages.restoration.observed import Observed
from stages.restoration.weighed import WEIGHED

Settings = dict[str, Any]
# ([model,] Observation, **settings) -> images (N, C, H, W); hidden pixels of y are 0
Estimate = Callable[..., np.ndarray]

# An orthonormal opponent colour space, close to BM3D's: brightness, red against blue, green against both. White noise
# stays white in it, with the same sigma, while the image gathers in the brightness.
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


@dataclass(frozen=True)
class Rival:
    """A way to estimate images from an Observation, and the settings that are tried on it."""

    estimate: Estimate
    grid: Iterable[Settings] = ({},)
    # What is learned from training images (N, C, H, W), uint8, with so many latents; `estimate` gets it first.
    fit: Callable[[Images, int], Any] | None = None


@dataclass(frozen=True)
class Contest:
    """What a rival has to do under one condition."""

    rival: str
    model: Any  # what its `fit` gave; None without
    validation: np.ndarray  # (M, C, H, W), the images behind `tuning`
    tuning: Observation
    observation: Observation  # of the images to restore, under the same condition


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    images: np.ndarray  # (N, C, H, W), float32
    tuned: np.ndarray  # the same of the first validation images
    settings: Settings  # those chosen
    score: float  # mean PSNR of the validation images with them, dB


def load_rival(name: str) -> Rival:
    """The rival of this name. Raises UserError if there is none."""
    found: Rival = named.thing(named.RIVALS, name, Rival, "RIVAL")
    return found


def run_contests(
    rivals: list[str], train: Images, latent_dim: int, tuning: Observed, observed: Observed
) -> dict[str, list[Outcome]]:
    """For each rival what came of each condition, in their order. Works in several processes.

    Rivals with a `fit` are fitted to `train` (N, C, H, W), uint8, with `latent_dim` components.
    """
    models = {name: fit(train, latent_dim) for name in rivals if (fit := load_rival(name).fit)}
    seen = [  # once for each condition: all rivals share the arrays, which are copied when a process gets its contest
        (
            tuning.images[tuning.cell(condition)],
            tuning.observation.rows(tuning.cell(condition)),
            observed.observation.rows(observed.cell(condition)),
        )
        for condition in observed.conditions
    ]
    contests = [Contest(rival, models.get(rival), *arrays) for rival in rivals for arrays in seen]
    outcomes = map_in_processes(contend, contests)
    count = len(observed.conditions)
    return {rival: outcomes[place * count : (place + 1) * count] for place, rival in enumerate(rivals)}


def settings_rows(outcomes: dict[str, list[Outcome]], conditions: list[str]) -> list[Row]:
    """One row for each rival and condition: the settings chosen, and their mean PSNR on validation images."""
    return [
        {
            "rival": rival,
            "condition": condition,
            "settings": " ".join(f"{name}={value}" for name, value in outcome.settings.items()),
            "validation_psnr": outcome.score,
        }
        for rival, own in outcomes.items()
        for condition, outcome in zip(conditions, own, strict=True)
    ]


def contend(contest: Contest) -> Outcome:
    """Choose the settings on validation images, and restore with them."""
    rival = load_rival(contest.rival)
    estimate = rival.estimate if rival.fit is None else partial(rival.estimate, contest.model)
    settings, score = tune(estimate, rival.grid, contest.validation, contest.tuning)
    first = contest.tuning.rows(np.arange(len(contest.validation))[:WEIGHED])
    images, tuned = (restore(estimate, seen, settings) for seen in (contest.observation, first))
    return Outcome(images, tuned, settings, score)


def restore(estimate: Estimate, observation: Observation, settings: Settings) -> np.ndarray:
    """Images (N, C, H, W), float32 in [0, 1]; pixels that were seen without noise stay as they were seen.

    All estimates are clipped: that brings each pixel nearer to an image known to lie in [0, 1], or leaves it.
    """
    mask, certain = observation.mask, observation.certain
    if certain.all():
        return observation.y
    seen = np.where(mask, observation.y, np.float32(0))  # so that nothing depends on what is hidden
    images = estimate(Observation(seen, mask, observation.sigma), **settings)
    return np.where(certain, seen, np.clip(images, 0, 1)).astype(np.float32)


def tune(
    estimate: Estimate, grid: Iterable[Settings], images: np.ndarray, observation: Observation
) -> tuple[Settings, float]:
    """The settings with the highest mean PSNR of `images` (N, C, H, W) restored from `observation`, and that PSNR.

    `images` are validation images. With hidden pixels it is their PSNR alone that counts; an image restored without any
    error, as a window of even colour can be, counts as 59 dB. Without hidden pixels and noise, there is nothing to
    choose: no settings.
    """
    if observation.certain.all():
        return {}, math.inf
    where = None if observation.mask.all() else ~observation.mask
    tried = list(grid)
    errors = [mse(images, restore(estimate, observation, settings), where) for settings in tried]
    scores = [psnr(np.maximum(error, LEAST_MSE)).mean() for error in errors]
    best = int(np.argmax(scores))
    return tried[best], float(scores[best])


def denoise_each(denoise: Callable[..., np.ndarray]) -> Estimate:
    """An estimate from a function of one image (H, W, C), float64, and its sigma above 0; without noise it is y."""

    def estimate(observation: Observation, **settings: Any) -> np.ndarray:
        images = np.moveaxis(observation.y.astype(np.float64), 1, -1)
        pairs = zip(images, observation.sigma.tolist(), strict=True)
        denoised = [denoise(image, sigma, **settings) if sigma > 0 else image for image, sigma in pairs]
        return np.moveaxis(np.stack(denoised), -1, 1)

    return estimate


def in_opponent_colours(denoise: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """From a function that denoises channel by channel, one that does so in the opponent colours of an RGB image.

    What the channels have in common is then found once, from the signal of all three. Grey images stay as they are.
    """

    def denoise_opponent(image: np.ndarray, sigma: float, **settings: Any) -> np.ndarray:
        if image.shape[-1] == 1:
            return denoise(image, sigma, **settings)
        return denoise(image @ OPPONENT.T, sigma, **settings) @ OPPONENT

    return denoise_opponent


def fill_each(fill: Callable[..., np.ndarray]) -> Estimate:
    """An estimate from a function of one image (H, W, C), float64, and what is hidden of it (H, W), bool."""

    def estimate(observation: Observation, **settings: Any) -> np.ndarray:
        images = np.moveaxis(observation.y.astype(np.float64), 1, -1)
        pairs = zip(images, ~observation.mask[:, 0], strict=True)
        return np.moveaxis(np.stack([fill(image, hidden, **settings) for image, hidden in pairs]), -1, 1)

    return estimate
