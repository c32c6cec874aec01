"""Picture files of any kind, as numbers: what a person's own picture and a folder of pictures have in common."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from stages.pipeline.errors import UserError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # Pillow's others include programs (PostScript)


def open_picture(path: Path) -> tuple[Image.Image, list[str]]:
    """The first frame of a picture file, upright, and what was done to get there. Raises UserError if it is none."""
    steps = []
    with _reading(path) as file:
        if (frames := getattr(file, "n_frames", 1)) > 1:
            steps.append(f"the first of {frames} frames")
        if file.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            steps.append("turned upright as its EXIF data says")
        return ImageOps.exif_transpose(file), steps


def picture_mode(path: Path) -> str:
    """Pillow's name for the kind of a picture's pixels, from the file's header. Raises UserError if it has none."""
    with _reading(path) as file:
        return str(file.mode)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[Image.Image]:
    """An open picture file, of which nothing but the header is read yet; what readers raise becomes a UserError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata, which nothing here needs
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as file:
                yield file
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise UserError(f"{path}: not a picture; formats that are read: {', '.join(FORMATS)}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UserError(f"{path}: allowed are at most {Image.MAX_IMAGE_PIXELS} pixels; scale it down first") from None
    except Exception as error:  # Pillow's readers each raise their own kinds for damaged bytes
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise UserError(f"{path}: not readable as a picture: {reason}") from None


def pixel_values(
    image: Image.Image, path: Path, channels: int, backdrop: str, steps: list[str]
) -> tuple[np.ndarray, float]:
    """Pixels (H, W) or (H, W, 3), and the value that is white; adds to `steps` what it takes to get them.

    Transparent pixels have the colour `backdrop`. Raises UserError for kinds of pixels whose white is not known.
    """
    if image.mode == "I":
        raise UserError(f"{path}: 32-bit whole numbers, whose white is not known; save it with 8 or 16 bits")
    if image.mode == "F":  # the only kind that can hold noise below black and above white
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise UserError(f"{path}: has values that are not finite")
        steps.append("values as they are, 1 being white")
        return values, 1.0
    if image.mode.startswith("I;16"):
        return np.asarray(image), 65535.0
    try:
        if image.has_transparency_data:
            image = image.convert("RGBA")
            if np.asarray(image.getchannel("A")).min() < 255:
                steps.append(f"{backdrop} where it is transparent")
            below = Image.new("RGBA", image.size, backdrop)
            below.alpha_composite(image)
            image = below
        return np.asarray(image.convert("L" if channels == 1 else "RGB")), 255.0
    except ValueError:
        raise UserError(f"{path}: {image.mode} colours; save it as grey or RGB") from None


def area_average(pixels: np.ndarray, size: int) -> np.ndarray:
    """Pixels (H, W) of any kind -> their exact average over the pixels of a square, (size, size), float64.

    The square has the longer side's length, the pixels lie in its middle, and around them it is 0.
    """
    rows, columns = (_overlaps(length, max(pixels.shape), size) for length in pixels.shape)
    # Row by row, so that a large picture is never held as floats.
    bands = np.stack([row[row > 0] @ pixels[row > 0] for row in rows])  # (size, W)
    return bands @ columns.T


def _overlaps(length: int, side: int, size: int) -> np.ndarray:
    """(size, length): the share that each of `length` pixels in the middle of `side` has of each of `size` pixels."""
    # Products before quotients: an edge that falls on a whole pixel is then exact, and has no sliver beyond it.
    edges = np.arange(size + 1) * side / size - (side - length) / 2
    starts = np.arange(length)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.clip(overlap, 0, None) * size / side
