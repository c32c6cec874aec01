"""Picture files of any kind, as numbers: what a person's own picture and a folder of pictures have in common."""

import contextlib
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from stages.pipeline.errors import UserError

ALL_OF_A_PIXEL = 1 - 1e-6  # rounding of the areas that make up one pixel stays far below this
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
            if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for, a device never ends
                raise UserError(f"{path}: not a file")
            with Image.open(path, formats=FORMATS) as file:
                yield file
    except UserError:
        raise
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


@dataclass(frozen=True)
class Window:
    """A square of a picture, in its pixels, which may reach beyond it."""

    top: float
    left: float
    side: float

    @staticmethod
    def around(shape: tuple[int, ...]) -> "Window":
        """The smallest one that holds a whole picture (H, W), in its middle."""
        side = max(shape)
        return Window((shape[0] - side) / 2, (shape[1] - side) / 2, side)

    def shares(self, shape: tuple[int, ...], size: int) -> tuple[np.ndarray, np.ndarray]:
        """(size, H) and (size, W): the share that each row and column of a picture has of each of `size` x `size`."""
        return _overlaps(shape[0], self.top, self.side, size), _overlaps(shape[1], self.left, self.side, size)

    def noise_share(self, shape: tuple[int, ...], size: int) -> float:
        """What `area_average` leaves of the standard deviation of noise that is independent from pixel to pixel.

        The root mean square over pixels that lie wholly in the picture, or over all if none does.
        """
        rows, columns = self.shares(shape, size)
        variance = np.outer(np.square(rows).sum(axis=1), np.square(columns).sum(axis=1))
        inside = np.outer(rows.sum(axis=1), columns.sum(axis=1)) > ALL_OF_A_PIXEL
        return float(np.sqrt(variance[inside if inside.any() else ...].mean()))


def area_average(pixels: np.ndarray, size: int, window: Window | None = None) -> np.ndarray:
    """Pixels (H, W) of any kind -> their exact average over the pixels of a square, (size, size), float64.

    The square is `window`, or the smallest one around the picture; beyond the picture it is 0.
    """
    rows, columns = (window or Window.around(pixels.shape)).shares(pixels.shape, size)
    # Row by row, so that a large picture is never held as floats.
    bands = np.stack([row[row > 0] @ pixels[row > 0] for row in rows])  # (size, W)
    return bands @ columns.T


@dataclass(frozen=True)
class Pixels:
    """A picture's file as numbers."""

    values: np.ndarray  # (H, W) or (H, W, 3), of any kind
    white: float  # the value that is white
    known: np.ndarray  # (H, W), bool
    sigma: float  # standard deviation of the noise, white being 1

    def average(self, size: int, window: Window) -> np.ndarray:
        """Levels (1 or 3, size, size) of a window, those of pixels beyond the picture and of unknown ones being 0."""
        planes = np.atleast_3d(self.values).transpose(2, 0, 1)
        return np.stack([area_average(np.where(self.known, plane, 0), size, window) for plane in planes]) / self.white


def _overlaps(length: int, start: float, side: float, size: int) -> np.ndarray:
    """(size, length): the share that each of `length` pixels has of each of `size` pixels of a side from `start` on."""
    # Products before quotients: an edge that falls on a whole pixel is then exact, and has no sliver beyond it.
    edges = np.arange(size + 1) * side / size + start
    starts = np.arange(length)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.clip(overlap, 0, None) * size / side
