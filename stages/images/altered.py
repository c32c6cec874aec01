"""Images that are no test images, each made of one: what a model of their density should find less likely."""

import numpy as np
from scipy.ndimage import gaussian_filter

from stages.pipeline.artifacts import ALTERED
from stages.pipeline.numerics.streams import numpy_stream

BLUR = 1 / 20  # of the image's side: standard deviation of the Gaussian


def altered(images: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """ALTERED -> images (N, C, S, S), uint8: `images` themselves, and what became of each.

    Turned upside down; the pixels shuffled, by the same permutation in all images and channels; black for white; noise,
    uniform over all levels; blurred; and blank, each channel at its median. The last two are simpler than test images,
    and flows may find simpler images likelier than those that they were fitted to (Nalisnick et al. 2019).
    """
    count, channels, size, _ = images.shape
    places = numpy_stream(seed, "shuffled pixels").permutation(size * size)
    deviation = BLUR * size
    blurred = gaussian_filter(images.astype(np.float64), (0, 0, deviation, deviation))
    medians = np.median(images, axis=(2, 3), keepdims=True)
    made = (
        images,
        images[:, :, ::-1],
        images.reshape(count, channels, -1)[:, :, places].reshape(images.shape),
        255 - images,
        numpy_stream(seed, "noise images").integers(0, 256, size=images.shape),
        blurred.round(),
        np.broadcast_to(medians.round(), images.shape),
    )
    return {kind: np.ascontiguousarray(own, dtype=np.uint8) for kind, own in zip(ALTERED, made, strict=True)}
