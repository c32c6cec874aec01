"""What of an image survives inversion, by frequency: the residual's power beside the image's."""

import numpy as np

from stages.pipeline.storage import Row
from stages.restoration.observed import Observed
from stages.restoration.restored import Restored


def spectrum(images: np.ndarray) -> np.ndarray:
    """The 2-D DFT of images (N, C, H, W), complex; its squared moduli sum to each image's mean square (Parseval).

    There is no window. Digits end in empty margins and noise has no structure to cut, while a window would dim what is
    off the centre and mix rings. Photographs are cut off at their borders, where the DFT sees a jump between opposite
    sides: its power, falling with the square of the frequency, is a part of theirs, as much in the image as in what
    restores it.
    """
    return np.fft.fft2(images.astype(np.float64), norm="forward")


def radial_mean(values: np.ndarray) -> np.ndarray:
    """The mean of values (..., S, S), one a DFT coefficient, over each ring of frequencies: (S // 2 + 1,).

    Ring f holds the coefficients with a frequency of f +- 1/2 cycles per image side, from 0 to Nyquist. The corners
    beyond are left out: they hold diagonal frequencies only.
    """
    side = values.shape[-1]
    along = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(along[:, None], along)).astype(int).ravel()
    means = values.reshape(-1, side * side).mean(axis=0)
    return (np.bincount(ring, means) / np.bincount(ring))[: side // 2 + 1]


def spectra_rows(prior: str, observed: Observed, restored: Restored) -> list[Row]:
    """One row for each method, source and frequency (cycles per image side): mean power of a DFT coefficient.

    `residual_share` is the residual's power beside the image's: 0 where all survives, 1 where a black image would do as
    well.
    """
    rows: list[Row] = []
    for method, images in restored.images.items():
        for source in observed.conditions:
            cell = observed.cell(source)
            image, inverted = spectrum(observed.images[cell]), spectrum(images[cell])
            powers = [ring_products(of, of) for of in (image, inverted, image - inverted)]
            for frequency, (image_power, restored_power, residual_power) in enumerate(zip(*powers, strict=True)):
                rows.append(
                    {
                        "prior": prior,
                        "method": method,
                        "source": source,
                        "frequency": frequency,
                        "image_power": image_power,
                        "restored_power": restored_power,
                        "residual_power": residual_power,
                        "residual_share": ratio(residual_power, image_power),
                    }
                )
    return rows


def ring_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Re <a, b> of spectra (N, C, S, S), the mean over each ring of frequencies."""
    return radial_mean((a * b.conj()).real)


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Their quotient, NaN or infinite where `below` is 0: an empty cell in a table."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(above, below)


def centred(values: np.ndarray) -> np.ndarray:
    """Values (N, ...) less their mean over N."""
    return values - values.mean(axis=0)
