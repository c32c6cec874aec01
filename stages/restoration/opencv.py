"""OpenCV's inpainting, which two rivals share."""

import cv2
import numpy as np

from stages.pipeline.numerics.pixels import to_float, to_uint8
from stages.restoration.rival import Rival, fill_each

RADII = (1, 2, 3, 4, 5, 7, 9, 12)  # pixels around a hidden one that tell what it is


def opencv_rival(method: int) -> Rival:
    """A rival by one of OpenCV's methods, with its radius chosen.

    In uint8, which is what the images came in; so a filled pixel is one of 256 values, up to 1/510 from where it would
    be. Telea's method on floats gives far worse images in this release of OpenCV.
    """

    def fill(image: np.ndarray, hidden: np.ndarray, *, radius: int) -> np.ndarray:
        filled = cv2.inpaint(to_uint8(image), hidden.astype(np.uint8), radius, method)
        return to_float(filled.reshape(image.shape))

    return Rival(fill_each(fill), [{"radius": radius} for radius in RADII])
