"""Which images of a split a stage works on."""

import numpy as np

from stages.images.splits import load_split
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import Params


def pick_images(name: str, count: int, params: Params) -> tuple[np.ndarray, np.ndarray | None]:
    """`count` images (N, C, S, S), float32, and labels (N,), if there are any, of a split, without replacement.

    A larger count begins with the same images. Raises UserError if the split has fewer.
    """
    split = load_split(name, params.data)
    if count > len(split.images):
        raise UserError(f"{count} images of the {name} split asked for: allowed are at most {len(split.images)}")
    picked = numpy_stream(params.seed, "picked images", name).permutation(len(split.images))[:count]
    return to_float(split.images[picked]), None if split.labels is None else split.labels[picked]
