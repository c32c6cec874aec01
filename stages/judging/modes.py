"""How many modes of a distribution samples cover, for distributions whose modes are known.

A sample belongs to one mode: the nearest centre of a mixture, the class that a classifier sees. It is good if it lies
where that mode has its mass: within three standard deviations of the centre, or where the classifier is sure.
"""

import math
from collections.abc import Callable

import numpy as np

from stages.pipeline.storage import Arrays, Row
from stages.priors.max_min.mixtures import MIXTURES, Mixture
from stages.priors.max_min.played import FINAL, FRAMES, ORDERS, data_of, samples_of
from stages.priors.slopes import GAN_LOSSES

RADIUS = 3  # standard deviations from a centre within which a sample is good, as Srivastava et al. 2017 count
SURE = 0.9  # the probability of its class from which an image is good
COVERED = 0.1  # the share of good samples, in even shares of a mode, from which the mode counts as covered

Judge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # points (N, D) -> modes (N,) and whether good (N,)


def nearest_modes(points: np.ndarray, centres: np.ndarray, std: float) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of centres (M, D) to points (N, D), int64, and whether each lies within RADIUS * std of it."""
    distance = np.linalg.norm(points[:, None] - centres, axis=2)  # (N, M)
    return distance.argmin(axis=1), distance.min(axis=1) <= RADIUS * std


def covered(modes: np.ndarray, good: np.ndarray, count: int) -> np.ndarray:
    """Which of `count` modes are covered (count,): those with a tenth or more of the good samples that are their due.

    `modes` (N,) are what samples belong to, `good` (N,) says which of them are good.
    """
    found = np.bincount(modes[good], minlength=count)
    return found >= max(COVERED * len(modes) / count, 1)


def kl_to_uniform(modes: np.ndarray, count: int) -> float:
    """KL(shares of the modes || uniform), nats, of what samples (N,) belong to: 0 if even, log(count) if all agree."""
    share = np.bincount(modes, minlength=count) / len(modes)
    present = share[share > 0]
    return max(float((present * np.log(present * count)).sum()), 0.0)


def mode_statistics(modes: np.ndarray, good: np.ndarray, count: int) -> Row:
    """The columns of one set of samples: modes covered, the share of good samples, KL of all samples to uniform."""
    return {
        "modes": int(covered(modes, good, count).sum()),
        "good_share": float(good.mean()),
        "kl_uniform": kl_to_uniform(modes, count),
    }


def mode_rows(played: Arrays, judge_image: Judge | None, classes: int) -> list[Row]:
    """The table: a row for every pair of networks; `judge_image` takes coordinates, None where there are no images.

    `visited` are the modes covered at one time or another in the last half of the steps: many more than `modes` where
    samples hop from mode to mode. A moment has fewer samples than the end, so there a single good one may be enough to
    cover a mode. `even_share` is the good share of samples that are spread evenly over the box, None
    for images.
    """
    rows = []
    for data in data_of(played):
        judge, count = _judge(data, judge_image, classes)
        even = {"even_share": even_share(MIXTURES[data]) if data in MIXTURES else None}
        for loss in GAN_LOSSES:
            for order in ORDERS:
                final, frames = (samples_of(played, data, order, loss, kind) for kind in (FINAL, FRAMES))
                for seed, (own, on_the_way) in enumerate(zip(final, frames, strict=True)):
                    visited = np.any([covered(*judge(frame), count) for frame in on_the_way], axis=0)
                    row = {"data": data, "loss": loss, "order": order, "seed": seed}
                    rows.append(row | mode_statistics(*judge(own), count) | {"visited": int(visited.sum())} | even)
    return rows


def even_share(mixture: Mixture) -> float:
    """The share of a mixture's box that lies within RADIUS standard deviations of a centre; no two of these overlap."""
    return len(mixture.centres) * math.pi * (RADIUS * mixture.std) ** 2 / (2 * mixture.reach) ** 2


def _judge(data: str, judge_image: Judge | None, classes: int) -> tuple[Judge, int]:
    """What tells the modes of some data apart, and how many there are."""
    if data in MIXTURES:
        mixture = MIXTURES[data]
        return lambda points: nearest_modes(points, mixture.centres, mixture.std), len(mixture.centres)
    assert judge_image is not None, data
    return judge_image, classes
