"""Why noise does not survive: how much of the signal and how much of the noise a restoration lets pass.

Noise is told from signal by regression. What a restoration R gives back of the noise it saw, <R, noise> / |noise|^2, is
for white Gaussian noise an estimate of the mean of div R / pixels (Stein 1981): how much of a pixel's change comes back
in that pixel. Times the pixels it is the restoration's degrees of freedom (Efron 2004): k for an orthogonal projection
on any k dimensions, so about as many as it has latents for a generator whose codes fit best, and fewer under a prior.

All rows are of the methods that end in a code.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stages.judging.spectra import centred, ratio, ring_products, spectrum
from stages.pipeline.storage import Row
from stages.restoration.observed import Observed
from stages.restoration.restored import Restored


def transfer_rows(prior: str, observed: Observed, restored: Restored) -> list[Row]:
    """One row for each method, noise level above 0 and frequency (cycles per image side): how much of each passes.

    With R(y) the restoration of y = x + noise, and sums over images and the coefficients of a ring:

        signal_gain = Re <R(y) - mean R, x - mean x> / |x - mean x|^2
        noise_gain  = Re <R(y) - R(x), noise> / |noise|^2

    Means are over images, so that a restoration that draws the average image whatever it saw has signal gain 0. R(x) is
    independent of the noise and only steadies the estimate. Without restorations at sigma 0, x itself takes its place.
    """
    rows: list[Row] = []
    for method in restored.codes:
        for cell in _noise_cells(observed, restored.images[method]):
            parts = (centred(cell.images), centred(cell.restored), cell.response, cell.noise)
            x, r, response, noise = (spectrum(part) for part in parts)
            signal_gains = ratio(ring_products(r, x), ring_products(x, x))
            noise_gains = ratio(ring_products(response, noise), ring_products(noise, noise))
            rows += [
                {
                    "prior": prior,
                    "method": method,
                    "sigma": cell.sigma,
                    "frequency": frequency,
                    "signal_gain": signal_gain,
                    "noise_gain": noise_gain,
                }
                for frequency, (signal_gain, noise_gain) in enumerate(zip(signal_gains, noise_gains, strict=True))
            ]
    return rows


def noise_rows(prior: str, observed: Observed, restored: Restored) -> list[Row]:
    """One row for each method and noise level above 0: the gains of `transfer_rows` over all frequencies at once.

    `degrees_of_freedom` is the noise gain times the pixels; `linear_gain`, for comparison, the noise gain of projecting
    on as many dimensions as the latent space has. `energy_share` = |R(y) - R(x)|^2 / |noise|^2 is all that the noise
    changed; of `plain`, which starts from another code at each noise level, it holds what the start changed too. For a
    projection it equals the noise gain; what exceeds it is lost signal, not returned noise.
    """
    rows: list[Row] = []
    for method, codes in restored.codes.items():
        for cell in _noise_cells(observed, restored.images[method]):
            pixels, signal, noise_energy = cell.images[0].size, centred(cell.images), np.square(cell.noise).sum()
            noise_gain = ratio((cell.response * cell.noise).sum(), noise_energy)
            rows.append(
                {
                    "prior": prior,
                    "method": method,
                    "sigma": cell.sigma,
                    "n": len(cell.images),
                    "signal_gain": ratio((centred(cell.restored) * signal).sum(), np.square(signal).sum()),
                    "noise_gain": noise_gain,
                    "linear_gain": codes.shape[1] / pixels,
                    "degrees_of_freedom": noise_gain * pixels,
                    "energy_share": ratio(np.square(cell.response).sum(), noise_energy),
                }
            )
    return rows


@dataclass(frozen=True)
class _NoiseCell:
    """The images under one noise level above 0, float64, (N, C, S, S) each."""

    sigma: float
    images: np.ndarray  # x
    restored: np.ndarray  # R(y)
    response: np.ndarray  # R(y) - R(x)
    noise: np.ndarray  # y - x


def _noise_cells(observed: Observed, restored: np.ndarray) -> Iterator[_NoiseCell]:
    """Every noise level above 0; each has the same images in the same order. Without sigma 0, x stands for R(x)."""
    sigmas = observed.observation.sigma
    clean = sigmas == 0
    reference = restored[clean] if clean.any() else None
    for condition in observed.conditions:
        cell = observed.cell(condition)
        if clean[cell].all():
            continue
        images, seen, own = (
            array[cell].astype(np.float64) for array in (observed.images, observed.observation.y, restored)
        )
        response = own - (images if reference is None else reference)
        yield _NoiseCell(float(condition), images, own, response, seen - images)
