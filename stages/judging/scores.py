"""Rows of scores: each method of each restorer under each condition, and the differences between restorers."""

import math
from collections.abc import Mapping

import numpy as np

from stages.judging.image_quality import hidden_psnr, mse, psnr, ssim
from stages.judging.intervals import Bootstrap
from stages.pipeline.artifacts import UNRESTORED
from stages.pipeline.storage import Row
from stages.restoration.norm_names import norm_and_prior
from stages.restoration.observed import Observed
from stages.restoration.restored import PLAIN, Restored

RECOVERED = 1e-4  # an inversion with a smaller MSE has found its image again

Labels = Mapping[str, np.ndarray] | None  # method -> what the classifier sees in its images (N,); None without labels


def inversion_rows(
    prior: str, observed: Observed, restored: Restored, labels: Labels, bootstrap: Bootstrap
) -> list[Row]:
    """One row for each method and source. An image itself has no code and so no norm; without labels no accuracy."""
    rows: list[Row] = []
    for method, images in restored.images.items():
        for source in observed.conditions:
            cell = observed.cell(source)
            error = mse(observed.images[cell], images[cell])
            rows.append(
                {"prior": prior, "method": method, "source": source, "n": len(error)}
                | bootstrap.cells("psnr", psnr(error))
                | {
                    "mse": error.mean(),
                    "ssim": ssim(observed.images[cell], images[cell]).mean(),
                    "recovered": (error < RECOVERED).mean(),
                }
                | _accuracy(observed, labels, method, cell)
                | {"z_norm": _mean_norm(restored.codes[method][cell]) if method in restored.codes else math.nan}
            )
    return rows


def task_rows(prior: str, observed: Observed, restored: Restored, labels: Labels, bootstrap: Bootstrap) -> list[Row]:
    """One row for each method and condition. Where pixels are hidden they come first: they are what was missing."""
    rows: list[Row] = []
    for method, images in restored.images.items():
        for condition in observed.conditions:
            cell = observed.cell(condition)
            truth, found = observed.images[cell], images[cell]
            row = {"prior": prior, "method": method, observed.condition_name: float(condition), "n": len(truth)}
            if observed.hidden is None:
                error = mse(truth, found)
                row |= bootstrap.cells("psnr", psnr(error)) | {
                    "mse": error.mean(),
                    "ssim": ssim(truth, found).mean(),
                    "observed_psnr": psnr(mse(truth, observed.observation.y[cell])).mean(),
                }
            else:
                hidden = observed.hidden[cell]
                error = mse(truth, found, hidden)
                row |= bootstrap.cells("hole_psnr", hidden_psnr(truth, found, hidden)) | {
                    "hole_mse": error.mean(),
                    "psnr": psnr(mse(truth, found)).mean(),
                    "known_psnr": psnr(mse(truth, found, ~hidden)).mean(),
                    "ssim": ssim(truth, found).mean(),
                }
            rows.append(row | _accuracy(observed, labels, method, cell))
    return rows


def paired_rows(
    task: str, prior: str, observed: Observed, restored: Restored, rivals: Restored, bootstrap: Bootstrap
) -> list[Row]:
    """One row for each method but the textbook's, rival and condition: the mean difference in dB, image by image.

    Rivals may be anything that restored the same images, the posterior means of other priors too.

    PSNR is of hidden pixels where some are hidden. Without noise and holes there is nothing to compare.
    """
    rows: list[Row] = []
    of_methods, of_rivals = (
        {
            name: _quality(observed.images, images, observed.hidden)
            for name, images in restorer.images.items()
            if name not in (PLAIN, UNRESTORED)
        }
        for restorer in (restored, rivals)
    )
    for method, own in of_methods.items():
        for rival, other in of_rivals.items():
            with np.errstate(invalid="ignore"):  # infinity less infinity, at sigma 0
                difference = own - other
            for condition in observed.conditions:
                values = difference[observed.cell(condition)]
                if np.isfinite(values).all():
                    rows.append(
                        {"prior": prior, "task": task, "method": method, "against": rival}
                        | {"condition": float(condition), "n": len(values)}
                        | bootstrap.cells("difference", values)
                    )
    return rows


def norm_rows(prior: str, observed: Observed, restored: Restored, bootstrap: Bootstrap) -> list[Row]:
    """One row for each corruption, norm, and whether the prior counts: PSNR, of hidden pixels where some are hidden."""
    rows: list[Row] = []
    for corruption in observed.conditions:
        cell = observed.cell(corruption)
        mask = observed.observation.mask[cell]
        for method, images in restored.images.items():
            norm, with_prior = norm_and_prior(method)
            quality = _quality(observed.images[cell], images[cell], None if mask.all() else ~mask)
            rows.append(
                {"prior": prior, "corruption": corruption, "norm": norm, "with_prior": with_prior, "n": len(quality)}
                | bootstrap.cells("psnr", quality)
            )
    return rows


def _quality(images: np.ndarray, restored: np.ndarray, hidden: np.ndarray | None) -> np.ndarray:
    """PSNR (N,) of hidden pixels where there are any, else of all."""
    return psnr(mse(images, restored)) if hidden is None else hidden_psnr(images, restored, hidden)


def _accuracy(observed: Observed, labels: Labels, method: str, cell: np.ndarray) -> Row:
    """`label_accuracy`, the share of images in a cell that are seen as what they are; no cell without labels."""
    if labels is None or observed.labels is None:
        return {}
    return {"label_accuracy": float((labels[method][cell] == observed.labels[cell]).mean())}


def _mean_norm(codes: np.ndarray) -> float:
    return float(np.linalg.norm(codes, axis=1).mean())
