"""Images in an .npy file, which is never read whole: they are read by the batch."""

from pathlib import Path

import numpy as np

from stages.images.counts import Shape
from stages.pipeline.errors import UserError
from stages.pipeline.storage import map_array

ORDER = "allowed are N x H x W or N x H x W x C"


class StoredImages:
    """The images at some places of an .npy (N, S, S) or (N, S, S, C): read like an array (M, C, S, S), uint8.

    Nothing is in memory but what is asked for, as images[10:20] or images[np.array([5, 3])]. The file is mapped anew
    each time: in a lasting map every page ever used would stay resident, in the end the whole file.
    """

    def __init__(self, path: Path, places: np.ndarray):
        self.path, self.places = path, places
        self.shape: Shape = (len(places), *stored_shape(path)[1:])

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        picked = np.load(self.path, mmap_mode="r", allow_pickle=False)[self.places[rows]]
        channels_last = np.asarray(picked).reshape(*picked.shape[:3], -1)
        return np.ascontiguousarray(channels_last.transpose(0, 3, 1, 2))


Images = np.ndarray | StoredImages  # (N, C, S, S), uint8


def stored_shape(path: Path) -> Shape:
    """(N, C, H, W) of the images in an .npy, from its header. Raises UserError for a file that holds no images."""
    mapped = map_array(path)
    shape = mapped.shape
    if mapped.dtype != np.uint8:
        raise UserError(f"{path}: holds {mapped.dtype}: allowed is uint8, 0 black and 255 white")
    if mapped.ndim not in (3, 4) or 0 in shape:
        raise UserError(f"{path}: has shape {shape}: {ORDER}, none of them 0")
    if mapped.ndim == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        raise UserError(f"{path}: has shape {shape}, channels second: {ORDER}; numpy.moveaxis(images, 1, -1) helps")
    if not mapped.flags.c_contiguous:
        raise UserError(f"{path}: in Fortran order, in which no image lies together: numpy.ascontiguousarray helps")
    return shape[0], shape[3] if mapped.ndim == 4 else 1, shape[1], shape[2]
