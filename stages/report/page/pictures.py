"""Figures as a page can carry them: narrower, and in fewer colours."""

import functools
import io
from pathlib import Path

from PIL import Image

from stages.pipeline.errors import UserError
from stages.report.style import DOTS

WIDEST = 1500  # pixels; on a page 750 points wide, two for each
COLOURS = 128


def small_png(path: Path) -> bytes:
    """A figure as a PNG of at most WIDEST pixels' width in a palette of its own, or as it is if that is smaller.

    The same bytes for the same figure. Raises UserError if it is missing or damaged.
    """
    try:
        return _smaller(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `dvc repro` makes it") from None
    except OSError as error:
        raise UserError(f"{path}: not a readable picture: {error}") from None


def size_of_png(path: Path) -> tuple[float, float]:
    """Width and height of a figure in inches, as it was drawn."""
    with Image.open(path) as picture:
        return picture.width / DOTS, picture.height / DOTS


@functools.cache  # each goes into the page and into the printed document
def _smaller(whole: bytes) -> bytes:
    with Image.open(io.BytesIO(whole)) as picture:
        shown = picture.convert("RGB")
    if shown.width > WIDEST:
        shown = shown.resize((WIDEST, round(shown.height * WIDEST / shown.width)), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    shown.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, "PNG")
    return min(file.getvalue(), whole, key=len)
