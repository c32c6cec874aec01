"""Which features of an image survive inversion, and why noise does not: spectra, gains, traits, places of errors.

An image is taken apart in three ways. By frequency: how much power the residual image - reconstruction has beside the
image. By place: at the edges of strokes, inside them, or off them. By trait: quantities that a reader would name, as a
stroke's thickness, of the image and of its reconstruction.

Noise is told from signal by regression. What a restoration R gives back of the noise it saw, <R, noise> / |noise|^2, is
for white Gaussian noise an estimate of the mean of div R / pixels (Stein 1981): how much of a pixel's change comes back
in that pixel. Times the pixels it is the restoration's degrees of freedom (Efron 2004): k for an orthogonal projection
on any k dimensions, so about as many as it has latents for a generator whose codes fit best, and fewer under a prior.
"""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.measure import euler_number, label
from skimage.morphology import skeletonize
from skimage.transform import resize

from stages.restoration.quality import Interval, mse, psnr

INK_LEVEL = 0.5  # a pixel at least this bright is ink: strokes are near 1, paper is 0, and pens' edges lie between
FINE = 4  # pixels a pixel is cut into, each way, to measure strokes that are two or three of them wide
COUNTS = ("parts", "holes")  # the traits that are whole numbers


def spectrum(images: np.ndarray) -> np.ndarray:
    """The 2-D DFT of images (N, C, H, W), complex; its squared moduli sum to each image's mean square (Parseval).

    There is no window. One is for images that are cut off at their borders, where the DFT sees a jump; digits end in
    empty margins and noise has no structure to cut, while a window would dim what is off the centre and mix rings.
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


def spectra_rows(loss: str, methods: tuple[str, ...], arrays: dict[str, np.ndarray]) -> list[dict[str, object]]:
    """One row for each method, source and frequency (cycles per image side): mean power of a DFT coefficient.

    `residual_share` is the residual's power beside the image's: 0 where all survives, 1 where a black image would do as
    well.
    """
    rows = []
    for method in methods:
        for source in dict.fromkeys(arrays["source"].tolist()):
            cell = arrays["source"] == source
            image, restored = spectrum(arrays["images"][cell]), spectrum(arrays[method][cell])
            powers = [_ring_products(of, of) for of in (image, restored, image - restored)]
            for frequency, (image_power, restored_power, residual_power) in enumerate(zip(*powers, strict=True)):
                rows.append(
                    {
                        "loss": loss,
                        "method": method,
                        "source": source,
                        "frequency": frequency,
                        "image_power": image_power,
                        "restored_power": restored_power,
                        "residual_power": residual_power,
                        "residual_share": _ratio(residual_power, image_power),
                    }
                )
    return rows


def transfer_rows(loss: str, methods: tuple[str, ...], arrays: dict[str, np.ndarray]) -> list[dict[str, object]]:
    """One row for each method, noise level above 0 and frequency (cycles per image side): how much of each passes.

    With R(y) the restoration of y = x + noise, and sums over images and the coefficients of a ring:

        signal_gain = Re <R(y) - mean R, x - mean x> / |x - mean x|^2
        noise_gain  = Re <R(y) - R(x), noise> / |noise|^2

    Means are over images, so that a restoration that draws the average digit whatever it saw has signal gain 0. R(x) is
    independent of the noise and only steadies the estimate. Without restorations at sigma 0, x itself takes its place.
    """
    rows = []
    for method in methods:
        for sigma, images, restored, response, noise in _noise_cells(arrays, method):
            x, r, response, noise = (spectrum(part) for part in (_centred(images), _centred(restored), response, noise))
            signal_gains = _ratio(_ring_products(r, x), _ring_products(x, x))
            noise_gains = _ratio(_ring_products(response, noise), _ring_products(noise, noise))
            rows += [
                {
                    "loss": loss,
                    "method": method,
                    "sigma": sigma,
                    "frequency": frequency,
                    "signal_gain": signal_gain,
                    "noise_gain": noise_gain,
                }
                for frequency, (signal_gain, noise_gain) in enumerate(zip(signal_gains, noise_gains, strict=True))
            ]
    return rows


def noise_rows(loss: str, methods: tuple[str, ...], arrays: dict[str, np.ndarray]) -> list[dict[str, object]]:
    """One row for each method and noise level above 0: the gains of `transfer_rows` over all frequencies at once.

    `degrees_of_freedom` is the noise gain times the pixels; `linear_gain`, for comparison, the noise gain of projecting
    on as many dimensions as the latent space has. `energy_share` = |R(y) - R(x)|^2 / |noise|^2 is all that the noise
    changed. For a projection it equals the noise gain; what it has more is not noise given back, but signal lost.
    """
    rows = []
    for method in methods:
        for sigma, images, restored, response, noise in _noise_cells(arrays, method):
            pixels, signal, noise_energy = images[0].size, _centred(images), np.square(noise).sum()
            noise_gain = _ratio((response * noise).sum(), noise_energy)
            rows.append(
                {
                    "loss": loss,
                    "method": method,
                    "sigma": sigma,
                    "n": len(images),
                    "signal_gain": _ratio((_centred(restored) * signal).sum(), np.square(signal).sum()),
                    "noise_gain": noise_gain,
                    "linear_gain": arrays[f"{method}_codes"].shape[1] / pixels,
                    "degrees_of_freedom": noise_gain * pixels,
                    "energy_share": _ratio(np.square(response).sum(), noise_energy),
                }
            )
    return rows


def stroke_thickness(images: np.ndarray) -> np.ndarray:
    """The thickness in pixels of the strokes in images (N, C, H, W): (N,), 0 without ink.

    Twice the distance from a stroke's middle line (Zhang & Suen 1984) to its edge, the median along the line. Ink area
    by length of the line would need the length, which a count of pixels gets wrong by up to sqrt(2) on diagonals, and
    the median is not moved by ends and crossings as a mean is. Images are enlarged first, so that grey pixels tell
    where within them the edge lies.
    """
    return np.array([_thickness(image) for image in images.mean(axis=1)])


def _thickness(image: np.ndarray) -> float:
    """Of one image (H, W)."""
    enlarged = resize(image, (FINE * image.shape[0], FINE * image.shape[1]), order=1, mode="edge")
    ink = np.pad(enlarged >= INK_LEVEL, 1)  # beyond the frame is paper
    line = skeletonize(ink)
    if not line.any():
        return 0.0
    # Distances run between centres of pixels: in a stroke w pixels wide, the middle one is (w + 1) / 2 from paper if w
    # is odd, and if w is even the nearest to the middle is w / 2. What is taken off lies between the cases' 1 and 0.
    return (2 * np.median(distance_transform_edt(ink)[line]) - 0.5) / FINE


def traits(images: np.ndarray) -> dict[str, np.ndarray]:
    """What a reader would say of images (N, C, H, W), each (N,) and 0 without ink.

    ink: mean brightness. slant: pixels that strokes lean to the right for each that they go down, the regression of
    ink's columns on its rows. thickness: of strokes, in pixels. parts: connected pieces of ink. holes: pieces of paper
    that ink encloses, from Euler's number = parts - holes.
    """
    grey = images.mean(axis=1, dtype=np.float64)
    rows, columns = np.arange(grey.shape[1])[:, None], np.arange(grey.shape[2])
    amount = grey.sum(axis=(1, 2))

    def mean(of: np.ndarray) -> np.ndarray:
        return _ratio((grey * of).sum(axis=(1, 2)), amount)

    slant = _ratio(mean(rows * columns) - mean(rows) * mean(columns), mean(rows**2) - mean(rows) ** 2)
    parts = np.array([label(image, connectivity=2).max() for image in grey >= INK_LEVEL])
    return {
        "ink": grey.mean(axis=(1, 2)),
        "slant": np.nan_to_num(slant),  # a black image does not lean
        "thickness": stroke_thickness(images),
        "parts": parts,
        "holes": parts - np.array([euler_number(image, connectivity=2) for image in grey >= INK_LEVEL]),
    }


def trait_rows(loss: str, methods: tuple[str, ...], arrays: dict[str, np.ndarray]) -> list[dict[str, object]]:
    """One row for each method, pooled source and trait: how far the reconstructions have the traits of their images.

    `kept` is for what is measured the coefficient of determination, 1 - |difference|^2 / |deviation from the mean|^2: 1
    where each reconstruction has its image's value, 0 where the images' mean would do as well. For what is counted it
    is the share of images whose count stays the same.
    """
    rows = []
    sources, before = _pooled(arrays["source"]), traits(arrays["images"])
    for method in methods:
        after = traits(arrays[method])
        for source in dict.fromkeys(sources.tolist()):
            for trait in before:
                true, found = (values[trait][sources == source] for values in (before, after))
                if trait in COUNTS:
                    kept = (true == found).mean()
                else:
                    kept = 1 - _ratio(np.square(true - found).sum(), np.square(_centred(true)).sum())
                rows.append(
                    {"loss": loss, "method": method, "source": source, "trait": trait, "n": len(true), "kept": kept}
                )
    return rows


def places(images: np.ndarray) -> dict[str, np.ndarray]:
    """Where the pixels of images (N, C, H, W) lie, bool (N, 1, H, W) each; a pixel is in one place.

    edge: on either side of the level INK_LEVEL, a neighbour lying on the other; so two pixels wide, as wide as MNIST's
    anti-aliased edges are. interior: other ink. background: other paper.
    """
    ink = images.mean(axis=1, keepdims=True) >= INK_LEVEL
    height, width = ink.shape[2:]
    framed = np.pad(ink, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = [(0, 1), (2, 1), (1, 0), (1, 2)]
    edge = np.any([framed[:, :, i : i + height, j : j + width] != ink for i, j in shifts], axis=0)
    return {"edge": edge, "interior": ink & ~edge, "background": ~ink & ~edge}


def feature_rows(
    loss: str, methods: tuple[str, ...], arrays: dict[str, np.ndarray], interval: Interval
) -> list[dict[str, object]]:
    """One row for each method, pooled source, feature and value: how large errors are, and where they sit.

    Features: `class`, the label; `thickness`, terciles of the real images' strokes, the value being the mean in pixels;
    `place`, see `places`. `residual_share` is the residual's energy beside the image's on the same pixels,
    `share_of_error` beside the residual's on all, to be read against `share_of_pixels`. n counts images.
    """
    sources, where = _pooled(arrays["source"]), places(arrays["images"])
    thickness = stroke_thickness(arrays["images"])
    inked = thickness > 0
    # The real images are the same for every loss, and so are these bins.
    tercile = np.digitize(thickness, np.quantile(thickness[inked & (sources == "real")], [1 / 3, 2 / 3]))

    rows = []
    for method in methods:
        for source in dict.fromkeys(sources.tolist()):
            cell = sources == source
            # (feature, value) -> pixels (N, 1, H, W)
            groups: dict[tuple[str, object], np.ndarray] = {}
            for digit in np.unique(arrays["labels"][cell]):
                groups["class", int(digit)] = _whole(cell & (arrays["labels"] == digit), where["edge"])
            for number in range(3):
                within = cell & inked & (tercile == number)
                if within.any():
                    groups["thickness", round(thickness[within].mean(), 2)] = _whole(within, where["edge"])
            for place, pixels in where.items():
                groups["place", place] = pixels & cell[:, None, None, None]
            rows += [
                {"loss": loss, "method": method, "source": source, "feature": feature, "value": value}
                | _errors(arrays["images"], arrays[method], pixels, cell, interval)
                for (feature, value), pixels in groups.items()
                if pixels.any()
            ]
    return rows


def _whole(which: np.ndarray, like: np.ndarray) -> np.ndarray:
    """All pixels of the images `which` (N,): bool, of the shape of `like`."""
    return np.broadcast_to(which[:, None, None, None], like.shape)


def _errors(
    images: np.ndarray,  # (N, C, H, W)
    restored: np.ndarray,
    pixels: np.ndarray,  # (N, 1, H, W), bool: those that the row is about
    cell: np.ndarray,  # (N,), bool: the images that they are a part of
    interval: Interval,
) -> dict[str, float]:
    some = pixels.any(axis=(1, 2, 3))
    error = mse(images[some], restored[some], pixels[some])
    scores = psnr(error)
    low, high = interval.of_mean(scores)
    image_energy = np.square(images.astype(np.float64))
    residual_energy = np.square(images.astype(np.float64) - restored)
    residual = (residual_energy * pixels).sum()
    return {
        "n": len(error),
        "psnr": scores.mean(),
        "psnr_low": low,
        "psnr_high": high,
        "mse": error.mean(),
        "residual_share": _ratio(residual, (image_energy * pixels).sum()),
        "share_of_error": _ratio(residual, residual_energy[cell].sum()),
        "share_of_pixels": pixels.sum() / pixels[cell].size,
    }


def _noise_cells(
    arrays: dict[str, np.ndarray], method: str
) -> Iterator[tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """sigma, images x, restored R(y), response R(y) - R(x) and noise, each (N, C, H, W), of every sigma above 0.

    Every sigma has the same images in the same order. Where sigma 0 is not among them, x stands for R(x).
    """
    clean = arrays["sigma"] == 0
    reference = arrays[method][clean] if clean.any() else None
    for sigma in np.unique(arrays["sigma"][~clean]):
        cell = arrays["sigma"] == sigma
        images, observed, restored = (arrays[name][cell].astype(np.float64) for name in ("images", "observed", method))
        yield float(sigma), images, restored, restored - (images if reference is None else reference), observed - images


def _ring_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Re <a, b> of spectra (N, C, S, S), the mean over each ring of frequencies."""
    return radial_mean((a * b.conj()).real)


def _centred(values: np.ndarray) -> np.ndarray:
    """Values (N, ...) less their mean over N."""
    return values - values.mean(axis=0)


def _pooled(source: np.ndarray) -> np.ndarray:
    """`train` and `test` (N,) as one source, `real`: they invert alike, and together there are some of each class."""
    return np.where(source == "generated", "generated", "real")


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Their quotient, NaN or infinite where `below` is 0: an empty cell in a table."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(above, below)
