"""What a person would say of the ink in an image, and how much of that survives inversion.

Ink is what differs from the image's ground (images/ground.py). Of a digit it is the strokes, and all five traits mean
what their names say; of a photograph it is what stands out from the colour of its border, in how many pieces and how
thick they are.
"""

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.measure import euler_number, label
from skimage.morphology import skeletonize
from skimage.transform import resize

from stages.images.ground import ground, ink_level
from stages.judging.spectra import centred, ratio
from stages.pipeline.artifacts import GENERATED
from stages.pipeline.storage import Row
from stages.restoration.observed import Observed
from stages.restoration.restored import Restored

INK_LEVEL = 0.5  # from this level a pixel counts as ink: strokes are near 1, paper is 0, and pens' edges lie between
FINE = 4  # pixels a pixel is cut into, each way, to measure strokes that are two or three of them wide
LOWEST = 1e-9  # variance of ink's rows, in pixels, below which it is rounding
COUNTS = ("parts", "holes")  # the traits that are whole numbers


def traits(level: np.ndarray) -> dict[str, np.ndarray]:
    """What a person would say of ink levels (N, H, W), each (N,) and 0 without ink.

    ink: mean level. slant: pixels that strokes lean to the right for each that they go down, the regression of ink's
    columns on its rows. thickness: of strokes, in pixels. parts: connected pieces of ink. holes: pieces of ground that
    ink encloses, from Euler's number = parts - holes.
    """
    weight = level.astype(np.float64)
    rows, columns = np.arange(weight.shape[1])[:, None], np.arange(weight.shape[2])
    amount = weight.sum(axis=(1, 2))

    def mean(of: np.ndarray) -> np.ndarray:
        return ratio((weight * of).sum(axis=(1, 2)), amount)

    height = mean(rows**2) - mean(rows) ** 2
    slant = ratio(mean(rows * columns) - mean(rows) * mean(columns), height)
    parts = np.array([label(image, connectivity=2).max() for image in level >= INK_LEVEL])
    return {
        "ink": weight.mean(axis=(1, 2)),
        "slant": np.where(height > LOWEST, slant, 0),  # without ink nothing leans, nor does a single row
        "thickness": stroke_thickness(level),
        "parts": parts,
        "holes": parts - np.array([euler_number(image, connectivity=2) for image in level >= INK_LEVEL]),
    }


def trait_rows(prior: str, observed: Observed, restored: Restored) -> list[Row]:
    """One row for each method, pooled source and trait: how far the reconstructions have the traits of their images.

    `kept` is for what is measured the coefficient of determination, 1 - |difference|^2 / |deviation from the mean|^2: 1
    where each reconstruction has its image's value, 0 where the images' mean would do as well. For what is counted it
    is the share of images whose count stays the same.
    """
    rows: list[Row] = []
    sources, own = pooled_sources(observed), ground(observed.images)
    before = traits(ink_level(observed.images, own))
    for method, images in restored.images.items():
        after = traits(ink_level(images, own))
        for source in dict.fromkeys(sources.tolist()):
            for trait in before:
                true, found = (values[trait][sources == source] for values in (before, after))
                if trait in COUNTS:
                    kept = (true == found).mean()
                else:
                    kept = 1 - ratio(np.square(true - found).sum(), np.square(centred(true)).sum())
                rows.append(
                    {"prior": prior, "method": method, "source": source, "trait": trait, "n": len(true), "kept": kept}
                )
    return rows


def stroke_thickness(level: np.ndarray) -> np.ndarray:
    """The thickness in pixels of the strokes in ink levels (N, H, W): (N,), 0 without ink.

    Twice the distance from a stroke's middle line (Zhang & Suen 1984) to its edge, the median along the line. Ink area
    by length of the line would need the length, which a count of pixels gets wrong by up to sqrt(2) on diagonals, and
    the median is not moved by ends and crossings as a mean is. Levels are enlarged first, so that those in
    between tell where within a pixel the edge lies.
    """
    return np.array([_thickness(image) for image in level])


def _thickness(level: np.ndarray) -> float:
    """Of one image, (H, W)."""
    enlarged = resize(level, (FINE * level.shape[0], FINE * level.shape[1]), order=1, mode="edge")
    ink = np.pad(enlarged >= INK_LEVEL, 1)  # beyond the frame is ground
    line = skeletonize(ink)
    if not line.any():
        return 0.0
    # Distances run between centres of pixels: in a stroke w pixels wide, the middle one is (w + 1) / 2 from ground if w
    # is odd, and if w is even the nearest to the middle is w / 2. What is taken off lies between the cases' 1 and 0.
    return (2 * np.median(distance_transform_edt(ink)[line]) - 0.5) / FINE


def pooled_sources(observed: Observed) -> np.ndarray:
    """`train` and `test` (N,) as one source, `real`: they invert alike, and together they are more."""
    return np.where(observed.condition == GENERATED, GENERATED, "real")
