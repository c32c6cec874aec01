"""Where a drawing is in a picture, and how dark its ink and paper are: what makes a photo a digit as MNIST has them.

MNIST's digits are white on black, their longer side 20 of 28 pixels, their centre of mass in the middle of these (LeCun
et al. 1998, "Gradient-based learning applied to document recognition", sec. III.A): of pixel 14, counted from 0.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from stages.images.picture_file import Pixels, Window, area_average
from stages.pipeline.errors import UserError

LONG = 20 / 28  # a digit's longer side, as a share of its frame's
MIDDLE = 14.5 / 28  # the place of its centre of mass, likewise
TOLERANCE = 0.12  # share of a square picture's side by which its digit may be off in size or place and stay there
INK_MEAN = 0.87  # mean level of pixels above Otsu's threshold where a full stroke is 1: the median of 3,000 digits
LEAST_INK, MOST_INK = 0.02, 0.4  # mean level of a framed drawing; these digits' is 0.037 to 0.31
MOST_PIECES = 4  # of a drawing; none of these digits has more
LEAST_CONTRAST = 0.1  # of ink and paper, white being 1
EVEN = 1e-3  # levels that differ by less are one
CLIPPED_NOISE = 0.4  # mean of noise that is clipped at black, for a sigma of 1
PAPER, INK = 0.08, 0.2  # how far from 0 and from 1 the levels of paper and ink may be and stay as they are
WORKING_SIZE = 224  # pixels along a side, at which a drawing is looked for
SPECK = 0.1  # share of the largest stroke's area below which another is dirt
LEFT_NOISE = 0.07  # standard deviation to which a noisy picture is smoothed before a drawing is looked for
ROUNDS = 4  # of telling paper from ink, each with a better estimate of how the paper is lit
TEXTURE = 0.02  # departure from the lit paper that is not yet ink


@dataclass(frozen=True)
class Drawing:
    """A drawing in a picture of `shape` (H, W)."""

    shape: tuple[int, int]
    dark: bool  # the ink is darker than the paper
    window: Window  # the frame that MNIST would put around it; it may reach beyond the picture
    light: np.ndarray  # (6,): how bright the paper is, a quadratic function of the place in the picture

    def strength(self, levels: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """How much inkier than paper `levels` (S, S) of the window are, of which a share `inside` is in the picture."""
        paper = _terms(self.window, len(levels), self.shape) @ self.light
        return (paper * inside - levels) if self.dark else (levels - paper * inside)


def find_drawing(pixels: Pixels, own_size: int, dark: bool | None = None) -> Drawing:
    """The drawing in a grey picture, from what is known of it; `dark` says which ink it has if that is known.

    A picture of at most `own_size` pixels a side, the generator's, is its own frame: just its ink is found. Raises
    UserError, without the picture's name, where no drawing can be told from its paper.
    """
    shape = (pixels.known.shape[0], pixels.known.shape[1])
    whole = Window.around(shape)
    size = min(int(whole.side), WORKING_SIZE)
    share = area_average(pixels.known, size, whole)
    seen = share > 0.5
    if not seen.any():
        raise UserError("nothing is known of it")
    levels = pixels.average(size, whole)[0] / np.where(seen, share, 1)
    levels = _smooth(levels, seen, pixels.sigma * whole.noise_share(shape, size))
    drawing = Drawing(shape, False, whole, _light(levels, seen, _terms(whole, size, shape)))
    strength = np.where(seen, drawing.strength(levels, np.ones_like(levels)), 0)
    if whole.side <= own_size:
        return replace(drawing, dark=_darker_inside(levels, seen) if dark is None else dark)
    if dark is None:
        dark = bool(strength[abs(strength) > LEAST_CONTRAST / 2].sum() < 0)
    drawing = replace(drawing, dark=dark)
    ink, contrast = tell_ink(-strength if dark else strength, seen)
    if contrast < LEAST_CONTRAST:
        raise UserError(f"nothing is drawn on it: ink and paper differ by {max(contrast, 0):.2f}, white being 1")
    window = _frame(np.where(_without_specks(ink), abs(strength), 0), whole)
    return drawing if shape[0] == shape[1] and _alike(window, whole) else replace(drawing, window=window)


def refuse_others(levels: np.ndarray, known: np.ndarray) -> None:
    """Raise UserError, without the picture's name, for a framed drawing (S, S) that no digit of MNIST is like."""
    share = float(levels[known].clip(0, 1).mean())
    if not LEAST_INK <= share <= MOST_INK:
        raise UserError(f"{share:.0%} of its frame is ink, of MNIST's digits 4% to 31%; --as-is takes it as it is")
    pieces = ndimage.label(tell_ink(levels, known)[0], structure=np.ones((3, 3)))[1]
    if known.all() and pieces > MOST_PIECES:
        raise UserError(
            f"what is drawn falls into {pieces} pieces, MNIST's digits into {MOST_PIECES} at most; cut out one digit, "
            "or --as-is takes it as it is"
        )


def _darker_inside(levels: np.ndarray, seen: np.ndarray) -> bool:
    """Whether a framed digit (S, S) is darker than its margin, on average, which noise hardly changes."""
    margin = round(len(levels) * (1 - LONG) / 2)
    inside = np.zeros_like(seen)
    inside[margin : len(levels) - margin, margin : len(levels) - margin] = True
    if not (seen & inside).any() or not (seen & ~inside).any():
        return False
    return bool(levels[seen & inside].mean() < levels[seen & ~inside].mean())


def tell_ink(strength: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, float]:
    """Which pixels (S, S) are ink, by Otsu's threshold, and how far their mean is above that of the paper."""
    if np.ptp(strength[seen]) < EVEN:
        return np.zeros_like(seen), 0.0
    ink = seen & (strength > threshold_otsu(strength[seen]))
    return ink, float(strength[ink].mean() - strength[seen & ~ink].mean())


def _light(levels: np.ndarray, seen: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """The quadratic function, (6,), of those pixels that are seen and are no ink: least squares, without outliers."""
    paper = seen
    for _ in range(ROUNDS):
        light = np.linalg.lstsq(terms[paper], levels[paper], rcond=None)[0]
        far = abs(levels - terms @ light)
        paper = seen & (far <= max(threshold_otsu(far[seen]) if np.ptp(far[seen]) else 0, TEXTURE))
    return np.asarray(light)


def _terms(window: Window, size: int, shape: tuple[int, int]) -> np.ndarray:
    """1, x, y, x^2, xy, y^2 (size, size, 6) at the pixels of a window, the picture being as long as from -1 to 1."""
    steps = (np.arange(size) + 0.5) * window.side / size
    y, x = np.meshgrid(
        *(
            (2 * (start + steps) - length) / max(shape)
            for start, length in zip((window.top, window.left), shape, strict=True)
        ),
        indexing="ij",
    )
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _smooth(levels: np.ndarray, seen: np.ndarray, sigma: float) -> np.ndarray:
    """Levels (S, S) with so much of a Gaussian's blur that LEFT_NOISE is left of noise of standard deviation sigma."""
    width = sigma / LEFT_NOISE / np.sqrt(4 * np.pi)  # a blur of this width leaves 1 / (width sqrt(4 pi)) of it
    if width < 0.5:
        return levels
    share = ndimage.gaussian_filter(seen.astype(float), width)
    return ndimage.gaussian_filter(np.where(seen, levels, 0), width) / np.where(share > 0, share, 1)


def _without_specks(ink: np.ndarray) -> np.ndarray:
    """The strokes among the pixels `ink` (S, S): without dirt, and without what reaches in over the edge.

    Where all ink reaches in over the edge, it is the drawing.
    """
    strokes, count = ndimage.label(ink, structure=np.ones((3, 3)))
    areas = np.bincount(strokes.ravel())
    areas[0] = 0
    edge = np.ones_like(ink)
    edge[1:-1, 1:-1] = False
    over_edge = np.isin(np.arange(count + 1), strokes[edge])
    if areas[~over_edge].max(initial=0) >= SPECK * areas.max():
        areas[over_edge] = 0
    return (areas >= SPECK * areas.max())[strokes] & ink


def _frame(strength: np.ndarray, whole: Window) -> Window:
    """The frame that MNIST would put around ink of this strength (S, S), 0 elsewhere, seen in the window `whole`."""
    pixel = whole.side / len(strength)
    extents = [np.flatnonzero(strength.any(axis=axis)) for axis in (1, 0)]
    side = max(float(places[-1] - places[0] + 1) for places in extents) * pixel / LONG
    places = np.arange(len(strength)) + 0.5
    row, column = (float(places @ strength.sum(axis=axis) / strength.sum()) * pixel for axis in (1, 0))
    return Window(whole.top + row - MIDDLE * side, whole.left + column - MIDDLE * side, side)


def _alike(window: Window, whole: Window) -> bool:
    """Whether a drawing, whose own frame is `window`, has about MNIST's size and place in the frame `whole`."""
    shifts = [
        abs(own + window.side / 2 - start - whole.side / 2)
        for own, start in ((window.top, whole.top), (window.left, whole.left))
    ]
    return max(*shifts, abs(window.side - whole.side) * LONG) <= TOLERANCE * whole.side
