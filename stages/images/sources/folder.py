"""A folder of pictures of any size and kind: centre-cropped to squares, averaged to `data.size`.

Pictures in sub-folders are of as many classes, in the order of the sub-folders' names; then none may lie beside them.
All are grey if every file is, else RGB; what is transparent becomes black in grey and white in RGB.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.images.counts import Header
from stages.images.picture_file import area_average, open_picture, picture_mode, pixel_values
from stages.images.source import MOST_CLASSES, Pool, Source
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.pixels import to_uint8
from stages.pipeline.params import PARAMS_FILE, Data
from stages.pipeline.progress import Progress

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm")
GREY = ("1", "L", "LA", "I;16", "F")  # Pillow's modes


def header(data: Data) -> Header:
    """How many pictures there are and whether they are grey, from the names and headers of all files."""
    if data.size is None:
        raise UserError(f"{PARAMS_FILE}: data.size = None: allowed with folder is a number of pixels, such as 64")
    files = pictures(Path(data.path))
    _classes(files, Path(data.path))
    colour = any(picture_mode(file) not in GREY for file in files)
    return Header((len(files), 3 if colour else 1, data.size, data.size))


def read(data: Data) -> Pool:
    """Images in the order of their files' names."""
    _, channels, size, _ = header(data).shape
    files = pictures(Path(data.path))
    return Pool(_images(files, channels, size), _classes(files, Path(data.path)))


def pictures(folder: Path) -> list[Path]:
    """The files with a picture's ending in a folder and all that it has in it; hidden ones are left out."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
    if not found:
        raise UserError(f"{folder}: no pictures in it; endings that are read: {', '.join(SUFFIXES)}")
    return found


def square(path: Path, channels: int, size: int) -> np.ndarray:
    """The middle of a picture, (size, size, channels), uint8."""
    image, steps = open_picture(path)
    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    image = image.crop((left, top, left + side, top + side))
    values, white = pixel_values(image, path, channels, "black" if channels == 1 else "white", steps)
    planes = np.atleast_3d(values).transpose(2, 0, 1)
    levels = np.stack([area_average(plane, size) for plane in planes], axis=-1) / white
    return to_uint8(np.repeat(levels, channels // len(planes), axis=-1))  # a grey one among coloured ones


def _images(files: list[Path], channels: int, size: int) -> Iterator[np.ndarray]:
    progress = Progress("read pictures", len(files))
    for file in files:
        yield square(file, channels, size)
        progress.advance()


def _classes(files: list[Path], folder: Path) -> np.ndarray | None:
    """The class of each file, (N,), uint8, from the sub-folder that it is in; None if there are no two of them."""
    inside = [file.relative_to(folder).parts for file in files]
    below = [len(parts) > 1 for parts in inside]
    if any(below) and not all(below):
        beside = files[below.index(False)]
        raise UserError(f"{beside}: lies beside sub-folders with pictures, which are classes: allowed are all or none")
    names = sorted({parts[0] for parts in inside}) if all(below) else []
    if len(names) > MOST_CLASSES:
        raise UserError(f"{folder}: {len(names)} sub-folders, which are classes: allowed are at most {MOST_CLASSES}")
    if len(names) < 2:
        return None
    return np.array([names.index(parts[0]) for parts in inside], dtype=np.uint8)


SOURCE = Source(header, read)
