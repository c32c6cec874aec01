"""A person's own picture file -> what a generator of square images is given of it, and back to a file.

A picture may have any size and kind of pixels. It is padded to a square, averaged over the area of each of the
generator's pixels, and told what was done to it: a restoration is of the converted picture, not of the file.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from stages.images.picture_file import area_average, open_picture, pixel_values
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.pixels import to_uint8
from stages.pipeline.storage import Writer

KINDS = {"1": "1-bit", "L": "grey", "LA": "transparent grey", "P": "palette", "I;16": "16-bit grey", "F": "float grey"}
MASK_WHITE = 250  # of 255; brush edges are greyer than that, and what JPEG leaves of white is not
ALL_OF_A_PIXEL = 1 - 1e-6  # rounding of the areas that make up one pixel stays far below this
BRIGHT = 0.5  # mean of a border that is paper rather than background
BACKGROUND = 0.08  # mean of a border that passes for black
CLIPPED_NOISE = 0.4  # mean of noise that is clipped at black, for a sigma of 1
ENLARGED, GAP = 8, 4  # of pictures side by side: pixels for each pixel, and between pictures


@dataclass(frozen=True)
class Picture:
    """A picture at a generator's size."""

    levels: np.ndarray  # (C, S, S), float32; 1 is white, 0 is black or not known
    known: np.ndarray  # (1, S, S), bool
    scale: float  # the file's pixels along one side of a pixel
    notes: list[str]  # what was done, a line for each file


def load_picture(path: Path, *, channels: int, size: int, invert: bool = False, mask: Path | None = None) -> Picture:
    """The picture at `path` for a generator of images (channels, size, size), turned to its negative if `invert`.

    The longer side becomes `size`; what lies beyond the shorter one is not known, nor is any pixel that is not white
    in the picture `mask` over all its area. Raises UserError for a file that is no picture, a mask of another size,
    or one that leaves nothing known.
    """
    # Transparent pixels are background: white of coloured pictures; of drawings black, which is white to be inverted.
    image, steps = open_picture(path)
    width, height = image.size
    kind = KINDS.get(image.mode, image.mode)
    values, white = pixel_values(image, path, channels, "white" if invert or channels == 3 else "black", steps)
    known = np.ones((height, width), dtype=bool)
    mask_notes: list[str] = []
    if mask is not None:
        known, mask_notes = _load_mask(mask, (width, height))

    side = max(width, height)
    if width != height:
        steps.append(f"padded to {side}x{side}, what lies in the padding counts as missing")
    if side > size:
        steps.append(f"each pixel the average of {side / size:.3g}x{side / size:.3g}")
    elif side < size:
        steps.append(f"enlarged {size / side:.3g} times")
    levels = np.stack([area_average(channel, size) for channel in np.atleast_3d(values).transpose(2, 0, 1)]) / white
    levels = np.repeat(levels, channels // len(levels), axis=0)  # grey, for a generator of colours
    if invert:
        levels = 1 - levels
        steps.append("turned to its negative")
    fully_known = area_average(known, size)[None] > ALL_OF_A_PIXEL
    if not fully_known.any():
        raise UserError(f"{mask or path}: nothing is known: no pixel of {size}x{size} lies wholly in what is known")

    shape = f"{width}x{height} {kind} -> {size}x{size} {'grey' if channels == 1 else 'RGB'}"
    notes = [f"{path}: {shape}: {'; '.join(steps) or 'as it is'}", *mask_notes]
    return Picture(np.where(fully_known, levels, 0).astype(np.float32), fully_known, side / size, notes)


def border_note(picture: Picture, sigma: float, inverted: bool) -> list[str]:
    """What to try where a grey picture's border is not as black as that of the study's digits; at most one line."""
    border = picture.known.copy()
    border[:, 1:-1, 1:-1] = False
    brightness = picture.levels[border].mean() if len(picture.levels) == 1 and border.any() else 0.0
    if brightness > BRIGHT:
        remedy = "leave out --invert" if inverted else "--invert is for dark ink on light paper"
        return [f"its border is bright, but the study's digits are white on black: {remedy}"]
    if brightness > BACKGROUND + CLIPPED_NOISE * sigma:
        return [f"its border has brightness {brightness:.2f}, that of the study's digits is 0: turn up its contrast"]
    return []


def png_writer(levels: np.ndarray) -> Writer:
    """Levels (C, H, W) as an 8-bit picture; what lies outside [0, 1] is clipped."""
    pixels = to_uint8(levels)
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    return lambda file: image.save(file, format="PNG")


def side_by_side(images: np.ndarray) -> np.ndarray:
    """Images (N, C, S, S) -> one row of them, enlarged, on white: (C, S', N S')."""
    enlarged = images.clip(0, 1).repeat(ENLARGED, axis=2).repeat(ENLARGED, axis=3)
    framed = np.pad(enlarged, ((0, 0), (0, 0), (GAP, GAP), (GAP, GAP)), constant_values=1)
    return np.concatenate(list(framed), axis=2)


def _load_mask(path: Path, size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Which pixels are known, (H, W), bool, of a picture of `size` (width, height)."""
    image, steps = open_picture(path)
    if image.size != size:
        raise UserError(
            f"{path}: {image.width}x{image.height} pixels: allowed is the picture's own size, {size[0]}x{size[1]}"
        )
    values, white = pixel_values(image, path, 1, "black", steps)
    known = values >= white * MASK_WHITE / 255
    if grey := int((~known & (values > white * (1 - MASK_WHITE / 255))).sum()):
        steps.append(f"{grey} grey pixels count as missing")
    return known, [f"{path}: {'; '.join([*steps, f'{known.mean():.0%} is white, which is known'])}"]
