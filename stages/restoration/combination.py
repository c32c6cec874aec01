"""Restorations put together: a weighted mean of what a prior and what its rivals made of the same observation.

Stacked regression (Wolpert 1992; Breiman 1996): the weights, none below 0 and 1 in sum, are those with the least
squared error on validation images, for each condition. A prior loses weight where its generator cannot draw the images,
and restorers without a generator gain it. The same of the rivals alone tells what the generator adds.
"""

import numpy as np
from scipy.optimize import nnls

from stages.pipeline.storage import Arrays
from stages.restoration.observed import Observed

TO_ONE = 1e3  # weight of the equation that the weights sum to 1, beside the mean square of all pixels' equations


def fit_weights(images: np.ndarray, estimates: list[np.ndarray], where: np.ndarray) -> np.ndarray:
    """The weights (K,) of the K estimates, each like images (N, C, S, S), with which their sum comes nearest.

    `where` (N, 1, S, S), bool: the pixels that count.
    """
    pixels = np.broadcast_to(where, images.shape)
    columns = np.stack([estimate[pixels] for estimate in estimates], axis=1).astype(np.float64)
    # The normal equations are as small as there are estimates, however many pixels there are.
    count = len(columns)
    gram = columns.T @ columns / count + TO_ONE
    right = columns.T @ images[pixels].astype(np.float64) / count + TO_ONE
    lower = np.linalg.cholesky(gram + 1e-12 * np.trace(gram) * np.eye(len(gram)))
    weights, _ = nnls(lower.T, np.linalg.solve(lower, right))
    return weights / weights.sum()


def combine(
    validation: Observed,  # N images under each condition
    tuned: Arrays,  # restorer -> what it made of them
    observed: Observed,
    restored: Arrays,  # restorer -> what it made of `observed`, by the same restorers
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images like those of `observed`, and for each condition the weights of the restorers in their order.

    What is seen without noise stays as it was seen; where that is all there is to see, there are no weights.
    """
    certain = observed.observation.certain
    combined = observed.observation.y.copy()
    weights: dict[str, np.ndarray] = {}
    for condition in observed.conditions:
        cell, own = observed.cell(condition), validation.cell(condition)
        if certain[cell].all():
            continue
        hidden = ~validation.observation.mask[own]
        where = hidden if hidden.any() else np.ones_like(hidden)
        fitted = fit_weights(validation.images[own], [images[own] for images in tuned.values()], where)
        weights[condition] = fitted
        combined[cell] = sum(weight * restored[name][cell] for name, weight in zip(tuned, fitted, strict=True))
    return np.where(certain, observed.observation.y, combined.clip(0, 1)).astype(np.float32), weights
