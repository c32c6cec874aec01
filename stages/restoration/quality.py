"""How good restored images are: MSE, PSNR and SSIM of each image in [0, 1], and tidy rows of their means.

PSNR is taken of each image and then averaged, so that one bad image counts as one image.
"""

import math
from dataclasses import dataclass

import numpy as np
from skimage.metrics import structural_similarity

from stages.pipeline.seeding import numpy_stream

CARRIES_INK = 0.1  # brightness from which a pixel counts as ink
CONVERGED = 1.1  # split R-hat below which chains are taken to agree (Gelman et al. 2013, sec. 11.5)
RECOVERED = 1e-4  # an inversion with a smaller MSE has found its image again


def mse(images: np.ndarray, restored: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Mean squared error of each image (N,); `where` (N, 1, H, W), bool, restricts it to some pixels."""
    squared = np.square(images.astype(np.float64) - restored)
    if where is None:
        return squared.mean(axis=(1, 2, 3))
    where = np.broadcast_to(where, squared.shape)
    return (squared * where).sum(axis=(1, 2, 3)) / where.sum(axis=(1, 2, 3))


def psnr(mse: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB for a data range of 1: -10 log10(MSE). Infinite for equal images."""
    with np.errstate(divide="ignore"):
        return -10 * np.log10(mse)


def ssim(images: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """Structural similarity of each image (N,) (Wang et al. 2004; scikit-image, 7x7 windows, data range 1)."""
    pairs = zip(images, restored.astype(images.dtype), strict=True)
    return np.array([structural_similarity(a, b, data_range=1.0, channel_axis=0) for a, b in pairs])


@dataclass(frozen=True)
class Interval:
    """Where to draw the bootstrap of a mean from: the same resamples for every cell of the same size."""

    resamples: int
    seed: int

    def of_mean(self, values: np.ndarray) -> tuple[float, float]:
        """95 % percentile bootstrap interval of the mean of `values` (N,) (Efron & Tibshirani 1993, ch. 13).

        NaN where the mean is not finite, as the PSNR of an image with itself.
        """
        if not np.isfinite(values).all():
            return math.nan, math.nan
        stream = numpy_stream(self.seed, "bootstrap", len(values))
        picks = stream.integers(len(values), size=(self.resamples, len(values)))
        low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
        return float(low), float(high)


def inversion_rows(
    loss: str, methods: tuple[str, ...], arrays: dict[str, np.ndarray], interval: Interval
) -> list[dict[str, object]]:
    """One row for each method and source. `observed`, the image itself, has no code and so no norm."""
    rows = []
    for method in methods:
        for source in dict.fromkeys(arrays["source"].tolist()):
            cell = {name: array[arrays["source"] == source] for name, array in arrays.items()}
            error = mse(cell["images"], cell[method])
            rows.append(
                {"loss": loss, "method": method, "source": source, "n": len(error)}
                | _with_interval("psnr", psnr(error), interval)
                | {
                    "mse": error.mean(),
                    "ssim": ssim(cell["images"], cell[method]).mean(),
                    "recovered": (error < RECOVERED).mean(),
                    "label_accuracy": (cell[f"{method}_labels"] == cell["labels"]).mean(),
                    "z_norm": _mean_norm(cell.get(f"{method}_codes")),
                }
            )
    return rows


def denoising_rows(
    loss: str, methods: tuple[str, ...], arrays: dict[str, np.ndarray], interval: Interval
) -> list[dict[str, object]]:
    """One row for each method and noise level."""
    rows = []
    for method in methods:
        for sigma in np.unique(arrays["sigma"]):
            cell = {name: array[arrays["sigma"] == sigma] for name, array in arrays.items()}
            error = mse(cell["images"], cell[method])
            rows.append(
                {"loss": loss, "method": method, "sigma": sigma, "n": len(error)}
                | _with_interval("psnr", psnr(error), interval)
                | {
                    "mse": error.mean(),
                    "ssim": ssim(cell["images"], cell[method]).mean(),
                    "observed_psnr": psnr(mse(cell["images"], cell["observed"])).mean(),
                    "label_accuracy": (cell[f"{method}_labels"] == cell["labels"]).mean(),
                }
            )
    return rows


def inpainting_rows(
    loss: str, methods: tuple[str, ...], arrays: dict[str, np.ndarray], interval: Interval
) -> list[dict[str, object]]:
    """One row for each method and number of windows. The hole alone comes first: it is what was missing."""
    rows = []
    for method in methods:
        for holes in np.unique(arrays["holes"]):
            cell = {name: array[arrays["holes"] == holes] for name, array in arrays.items()}
            hole_error = mse(cell["images"], cell[method], ~cell["mask"])
            rows.append(
                {"loss": loss, "method": method, "holes": int(holes), "n": len(hole_error)}
                | _with_interval("hole_psnr", psnr(hole_error), interval)
                | {
                    "hole_mse": hole_error.mean(),
                    "psnr": psnr(mse(cell["images"], cell[method])).mean(),
                    "known_psnr": psnr(mse(cell["images"], cell[method], cell["mask"])).mean(),
                    "ssim": ssim(cell["images"], cell[method]).mean(),
                    "label_accuracy": (cell[f"{method}_labels"] == cell["labels"]).mean(),
                }
            )
    return rows


def paired_rows(
    task: str,
    loss: str,
    condition: str,  # the array that tells the conditions apart, `sigma` or `holes`
    arrays: dict[str, np.ndarray],
    baselines: dict[str, np.ndarray],  # restored from the same observations
    names: tuple[str, ...],  # of the baselines
    interval: Interval,
) -> list[dict[str, object]]:
    """One row for each searching method, baseline and condition: the mean difference in dB, image by image.

    PSNR is of hidden pixels where some are hidden. Without noise and holes there is nothing to compare.
    """
    rows = []
    where = ~arrays["mask"] if "mask" in arrays else None
    for method in ("map", "posterior_mean"):
        for against in names:
            with np.errstate(invalid="ignore"):  # infinity less infinity, at sigma 0
                difference = psnr(mse(arrays["images"], arrays[method], where)) - psnr(
                    mse(arrays["images"], baselines[against], where)
                )
            for value in np.unique(arrays[condition]):
                cell = difference[arrays[condition] == value]
                if np.isfinite(cell).all():
                    rows.append(
                        {"loss": loss, "task": task, "method": method, "against": against, "condition": value}
                        | {"n": len(cell)}
                        | _with_interval("difference", cell, interval)
                    )
    return rows


def calibration_rows(
    task: str, loss: str, condition: str, arrays: dict[str, np.ndarray], interval: Interval
) -> list[dict[str, object]]:
    """One row for each condition: how often the truth lies in the intervals, how sure they are, do the chains agree.

    Coverage is taken over the pixels that carry ink, of the hidden ones where some are hidden: paper is easy. Each
    image's share is one number; the interval is that of their mean.
    """
    rows = []
    inked = arrays["images"] >= CARRIES_INK
    if "mask" in arrays:
        inked = inked & ~arrays["mask"]
    for value in np.unique(arrays[condition]):
        cell = (arrays[condition] == value) & inked.any(axis=(1, 2, 3))
        pixels = inked[cell]
        row: dict[str, object] = {"loss": loss, "task": task, "condition": value, "n": int(cell.sum())}
        for coverage in ("50", "90"):
            low, high = arrays[f"low_{coverage}"][cell], arrays[f"high_{coverage}"][cell]
            inside = (arrays["images"][cell] >= low) & (arrays["images"][cell] <= high)
            share = (inside & pixels).sum(axis=(1, 2, 3)) / pixels.sum(axis=(1, 2, 3))
            row |= _with_interval(f"coverage_{coverage}", share, interval)
        weights = arrays["chain_weights"][cell]
        rows.append(
            row
            | {
                "std": arrays["posterior_std"][cell][pixels].mean(),
                "r_hat": np.median(arrays["r_hat"][cell]),
                "converged": (arrays["r_hat"][cell] < CONVERGED).mean(),
                "effective_chains": (1 / np.square(weights).sum(axis=1)).mean(),
            }
        )
    return rows


def norm_rows(arrays: dict[str, np.ndarray], interval: Interval) -> list[dict[str, object]]:
    """One row for each corruption, norm and prior: PSNR, of hidden pixels where some are hidden."""
    rows = []
    for corruption in dict.fromkeys(arrays["corruption"].tolist()):
        cell = arrays["corruption"] == corruption
        mask = arrays["mask"][cell]
        for name in arrays:
            norm, _, prior = name.partition(", prior ")
            if not prior:
                continue
            error = mse(arrays["images"][cell], arrays[name][cell], None if mask.all() else ~mask)
            rows.append(
                {"loss": str(arrays["loss"]), "corruption": corruption, "norm": norm, "prior": prior, "n": len(error)}
                | _with_interval("psnr", psnr(error), interval)
            )
    return rows


def _with_interval(name: str, values: np.ndarray, interval: Interval) -> dict[str, float]:
    low, high = interval.of_mean(values)
    return {name: values.mean(), f"{name}_low": low, f"{name}_high": high}


def _mean_norm(codes: np.ndarray | None) -> float:
    return math.nan if codes is None else float(np.linalg.norm(codes, axis=1).mean())
