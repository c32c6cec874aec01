"""Images between disk (uint8) and computation (float32 in [0, 1]), and which of them a stage works on."""

import numpy as np

from stages.pipeline.artifacts import load_split
from stages.pipeline.errors import UserError
from stages.pipeline.seeding import numpy_stream


def to_float(images: np.ndarray) -> np.ndarray:
    """uint8 images -> float32 in [0, 1]."""
    return images.astype(np.float32) / 255


def pick_images(split: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` images (N, C, H, W), float32, and labels (N,) of a split, drawn without replacement.

    A larger count begins with the same images. Raises UserError if the split has fewer.
    """
    images, labels = load_split(split)
    if count > len(images):
        raise UserError(f"{count} images of the {split} split asked for: allowed are at most {len(images)}")
    picked = numpy_stream(seed, "picked images", split).permutation(len(images))[:count]
    return to_float(images[picked]), labels[picked]
