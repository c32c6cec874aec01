"""A person's own picture file -> what a generator of square images is given of it, and back to a file.

A picture may have any size and kind of pixels. A drawing is found in it and becomes a digit as MNIST has them: white on
black, with MNIST's margin; other pictures are padded to a square. Each of the generator's pixels is the average over
its area. All that is done is told: a restoration is of the converted picture, not of the file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from stages.images.drawing import (
    CLIPPED_NOISE,
    EVEN,
    INK,
    INK_MEAN,
    LEAST_CONTRAST,
    PAPER,
    find_drawing,
    refuse_others,
    tell_ink,
)
from stages.images.picture_file import ALL_OF_A_PIXEL, Pixels, Window, area_average, open_picture, pixel_values
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.pixels import to_uint8
from stages.pipeline.params import LEAST_SIGMA
from stages.pipeline.storage import Writer

KINDS = {"1": "1-bit", "L": "grey", "LA": "transparent grey", "P": "palette", "I;16": "16-bit grey", "F": "float grey"}
MASK_WHITE = 250  # of 255; brush edges are greyer than that, and what JPEG leaves of white is not
BEYOND = 0.5, 6.0  # how far values of float pictures may be beyond black and white: so much, and so many sigmas
QUIET = 0.15  # noise below which a drawing's pieces can be counted
LONGEST = 60  # letters of a folder's name
INK_COLOURS = ("light", "dark")


@dataclass(frozen=True)
class Look:
    """What a generator's images look like, and what is known of a picture's ink."""

    channels: int
    size: int  # S
    digits: bool  # they are digits as MNIST has them, so a drawing is looked for
    ink: str | None = None  # one of INK_COLOURS; None where it is to be found


@dataclass(frozen=True)
class Picture:
    """A picture at a generator's size."""

    levels: np.ndarray  # (C, S, S), float32; 1 is white, 0 is black or not known
    known: np.ndarray  # (1, S, S), bool
    sigma: float  # standard deviation of the noise in `levels`
    dark: bool  # the file shows dark ink on light paper, and `levels` its negative
    notes: list[str]  # what was done, a line for each file, and what the noise became


def load_picture(path: Path, look: Look, sigma: float = 0.0, mask: Path | None = None) -> Picture:
    """The picture at `path`, whose noise has the standard deviation `sigma`, white being 1.

    What is not white in the picture `mask` is not known, nor is any pixel of S x S that lies partly in it. Raises
    UserError for a file that is no picture, a mask of another size or without white, or a picture without a drawing.
    """
    image, steps = open_picture(path)
    (width, height), mode = image.size, image.mode
    values, white = pixel_values(image, path, look.channels, _backdrop(image, look), steps)
    if mode == "F":
        _check_range(path, values, sigma)
    known = np.ones((height, width), dtype=bool)
    mask_notes: list[str] = []
    if mask is not None:
        known, mask_notes = _load_mask(mask, (width, height))
    pixels = Pixels(values, white, known, sigma)
    try:
        framed = _frame_digit(pixels, look, steps) if look.digits else _frame_square(pixels, look, steps)
    except UserError as error:
        place = path if known.all() else f"{path}, as far as {mask} shows it"
        raise UserError(f"{place}: {error}") from None
    if not framed.known.any():
        grid = f"{look.size}x{look.size}"
        raise UserError(f"{mask or path}: nothing is known: no pixel of {grid} lies wholly in what is known")
    share = framed.window.noise_share(known.shape, look.size) * framed.gain
    if (scale := framed.window.side / look.size) > 1:
        steps.append(f"each pixel the average of {scale:.3g}x{scale:.3g}")
    elif scale < 1:
        steps.append(f"enlarged {1 / scale:.3g} times")
    shape = (
        f"{width}x{height} {KINDS.get(mode, mode)} -> {look.size}x{look.size} {'grey' if look.channels == 1 else 'RGB'}"
    )
    notes = [f"{path}: {shape}: {'; '.join(steps) or 'as it is'}", *mask_notes]
    left = sigma * share
    if sigma and abs(share - 1) > 0.01:
        notes.append(f"sigma {sigma:g} of the file, independent from pixel to pixel, is {left:.2g} after this")
    levels = np.where(framed.known, framed.levels, 0).astype(np.float32)
    return Picture(levels, framed.known[None], max(left, LEAST_SIGMA) if sigma else 0.0, framed.dark, notes)


@dataclass(frozen=True)
class Framed:
    """A picture cut out and averaged to a generator's size."""

    levels: np.ndarray  # (C, S, S); those of pixels that are not known mean nothing
    known: np.ndarray  # (S, S), bool
    window: Window  # the square of the picture that it shows
    gain: float  # by which contrast, and noise with it, was changed
    dark: bool  # see Picture


def _frame_square(pixels: Pixels, look: Look, steps: list[str]) -> Framed:
    """The whole picture in a square. `steps` gets a few words on each thing that was done."""
    window = Window.around(pixels.known.shape)
    levels = np.repeat(averaged := pixels.average(look.size, window), look.channels // len(averaged), axis=0)
    if pixels.known.shape[0] != pixels.known.shape[1]:
        steps.append(f"padded to {window.side:g}x{window.side:g}, what lies in the padding counts as missing")
    if dark := look.ink == "dark":
        levels = 1 - levels
        steps.append("turned to its negative")
    known = area_average(pixels.known, look.size, window) > ALL_OF_A_PIXEL
    return Framed(levels, known, window, gain=1.0, dark=dark)


def _frame_digit(pixels: Pixels, look: Look, steps: list[str]) -> Framed:
    """The drawing in a picture, framed as MNIST frames a digit; its paper goes on beyond the picture."""
    shape, size = pixels.known.shape, look.size
    drawing = find_drawing(pixels, size, None if look.ink is None else look.ink == "dark")
    window, dark = drawing.window, drawing.dark
    inside = area_average(np.ones(shape, dtype=bool), size, window)
    seen = area_average(pixels.known, size, window) > inside - (1 - ALL_OF_A_PIXEL)
    steps.append(f"{'dark ink on light' if dark else 'light ink on dark'} paper")
    averaged = pixels.average(size, window)[0]
    levels, gain = inside - averaged if dark else averaged, 1.0
    if seen.any() and window.side > size:
        levels, gain = _even_out(levels, drawing.strength(averaged, inside), seen, pixels.sigma, steps)
    if window != Window.around(shape):
        steps.append(f"framed as MNIST frames digits, {window.side:.0f} pixels wide")
    if seen.any() and window.side > size and gain * pixels.sigma * window.noise_share(shape, size) < QUIET:
        refuse_others(levels, seen)
    return Framed(levels[None] if pixels.sigma else levels[None].clip(0, 1), seen, window, gain, dark)


def _even_out(
    levels: np.ndarray, strength: np.ndarray, seen: np.ndarray, sigma: float, steps: list[str]
) -> tuple[np.ndarray, float]:
    """Levels (S, S) with paper at 0 and ink at 1, and their gain; as they are where they nearly are like that.

    `strength` (S, S) is how much inkier a pixel is than its paper.
    """
    ink, contrast = tell_ink(strength, seen)
    if contrast < (EVEN if seen.all() else LEAST_CONTRAST):
        raise UserError("hardly any ink is left to go by; --as-is takes it as it is")
    paper = float(np.median((levels - strength)[seen]))
    full = paper + contrast / INK_MEAN
    slack = CLIPPED_NOISE * sigma
    if abs(paper) <= PAPER + slack and abs(full - 1) <= INK + slack:
        return levels, 1.0
    # What paper's texture leaves above 0 is taken off, but not from noise, whose mean is no texture.
    # The median tells texture from the edges of strokes.
    texture = 0.0 if sigma else min(3 * float(np.median(abs(strength[seen & ~ink]))), contrast / 4)
    gain = 1 / (contrast / INK_MEAN - texture)
    steps.append(f"contrast times {gain:.2g}")
    return gain * (strength - texture), gain


def _backdrop(image: Image.Image, look: Look) -> str:
    """The colour behind transparent pixels: background, which is white of coloured pictures and behind dark ink."""
    ink = look.ink
    if ink is None and look.digits and image.has_transparency_data:
        grey, alpha = (np.asarray(plane, dtype=np.float32) for plane in image.convert("LA").split())
        ink = "dark" if (grey * alpha).sum() < 127.5 * alpha.sum() else "light"
    return "white" if look.channels == 3 or ink == "dark" else "black"


def _check_range(path: Path, values: np.ndarray, sigma: float) -> None:
    """Raise UserError for float pixels that are too far from black, 0, and white, 1, to be noise."""
    beyond = BEYOND[0] + BEYOND[1] * sigma
    if values.min() < -beyond or values.max() > 1 + beyond:
        raise UserError(
            f"{path}: float values from {values.min():g} to {values.max():g}: allowed with sigma {sigma:g} are "
            f"{-beyond:g} to {1 + beyond:g}, 1 being white"
        )


def folder_name(picture: Path) -> Path:
    """restored/<the picture's name>, of its letters, digits, dots and dashes alone."""
    name = re.sub(r"[^\w.-]+", "_", picture.stem).strip("._-")[:LONGEST].rstrip("._-")
    return Path("restored", name or "picture")


def png_writer(levels: np.ndarray) -> Writer:
    """Levels (C, H, W) as an 8-bit picture; what lies outside [0, 1] is clipped."""
    pixels = to_uint8(levels)
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    return lambda file: image.save(file, format="PNG")


def _load_mask(path: Path, size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Which pixels are known, (H, W), bool, of a picture of `size` (width, height)."""
    image, steps = open_picture(path)
    if image.size != size:
        raise UserError(
            f"{path}: {image.width}x{image.height} pixels: allowed is the picture's own size, {size[0]}x{size[1]}"
        )
    values, white = pixel_values(image, path, 1, "black", steps)
    known = values >= white * MASK_WHITE / 255
    if not known.any():
        raise UserError(f"{path}: nothing is known: allowed are masks that are white somewhere")
    if grey := int((~known & (values > white * (1 - MASK_WHITE / 255))).sum()):
        steps.append(f"{grey} grey pixels count as missing")
    return known, [f"{path}: {'; '.join([*steps, f'{known.mean():.0%} is white, which is known'])}"]
