"""Whether a figure shows anything but its frame, of a figure in memory and of a PNG."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.ndimage import binary_opening, find_objects, label, uniform_filter

# Of a PNG's pixels, 0 to 255. Text, ticks, axes and grid lines are thin and grey; data are coloured or thick.
INK = 64  # the brightest that an axis is
PAPER = 252  # the darkest that counts as blank: pale shades of a picture do not
CHROMA = 40  # distance between a pixel's channels from which it is coloured
AXIS = 60  # pixels that an axis is long at least
TICK = 8  # pixels by which a tick at the corner makes an axis seem longer
MARKER = 12  # pixels of the smallest marker
PICTURE = 40  # pixels that a picture is wide and high at least, which no line of text is


def blank_axes(figure: Figure) -> list[str]:
    """The axes of a figure, by number and title, that have no data, or of whose data nothing is seen when drawn."""
    seen = _colours(figure)
    return [
        f"{number} {axes.get_title()}".strip()
        for number, (axes, colours) in enumerate(zip(figure.axes, seen, strict=True))
        if not _has_data(axes) or colours < 2
    ]


def _has_data(axes: Axes) -> bool:
    """A line, picture, bar or area with a finite number; lines across the whole axes are no data."""
    values = [line.get_xydata() for line in axes.lines if line not in _across(axes)]
    values += [image.get_array() for image in axes.images]
    values += [patch.get_path().vertices for patch in axes.patches]
    values += [path.vertices for collection in axes.collections for path in collection.get_paths()]
    return any(np.isfinite(np.asarray(found, dtype=float)).any() for found in values)


def _across(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if line.get_transform() != axes.transData]


def _colours(figure: Figure) -> list[int]:
    """How many colours there are within each axes when all is hidden that they would have without data."""
    hidden = [line for axes in figure.axes for line in _across(axes)]
    hidden += [legend for axes in figure.axes if (legend := axes.get_legend())]
    off = [axes for axes in figure.axes if axes.axison]
    for axes in off:
        axes.set_axis_off()
    for artist in hidden:
        artist.set_visible(False)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[::-1].view(np.uint32)[..., 0]
    corners = [axes.get_window_extent().extents.round().astype(int) for axes in figure.axes]
    for axes in off:
        axes.set_axis_on()
    for artist in hidden:
        artist.set_visible(True)
    return [len(np.unique(pixels[bottom:top, left:right])) for left, bottom, right, top in corners]


def is_drawn(path: Path) -> bool:
    """Whether a PNG shows data in every one of its panels, and has one at all.

    A panel is what stands above and to the right of two axes, or else a picture. Pictures stand in rows and columns,
    of which no place may be empty, and most are of several colours: a difference may be 0 everywhere, but not an image.
    A legend within a pair of axes cannot be told from data.
    """
    pixels = (plt.imread(path)[..., :3] * 255).round().astype(int)
    framed = _framed(pixels)
    marked = [_marked(pixels[panel]) for panel in framed]
    for panel in framed:
        pixels[panel] = 255
    pictures = [pixels[place] for place in _places(pixels)]
    covered = [_covered(picture) for picture in pictures]
    varied = [_varied(picture) for picture in pictures]
    return bool(marked or covered) and all(marked) and all(covered) and 2 * sum(varied) >= len(varied)


Panel = tuple[slice, slice]  # rows, columns


def _framed(pixels: np.ndarray) -> list[Panel]:
    """What stands within a pair of axes that meet at the lower left; the axes themselves are no part of it."""
    dark = pixels.max(axis=2) < INK
    lying, upright = (find_objects(label(binary_opening(dark, np.ones(line)))[0]) for line in ((1, AXIS), (AXIS, 1)))
    return [
        (slice(y.start, x.start), slice(y_axis.stop, x_axis.stop))
        for x, x_axis in lying
        for y, y_axis in upright
        if x.stop - x.start <= 2 >= y_axis.stop - y_axis.start  # wider ones are parts of pictures
        if abs(y.stop - x.stop) <= TICK and abs(y_axis.start - x_axis.start) <= TICK
    ]


def _marked(panel: np.ndarray) -> bool:
    """Whether anything in a pair of axes is coloured, or thicker than text."""
    coloured = np.ptp(panel, axis=2) > CHROMA
    thick = binary_opening(panel.max(axis=2) < 2 * INK, np.ones((4, 4)))
    return int((coloured | thick).sum()) >= MARKER


def _places(pixels: np.ndarray) -> list[Panel]:
    """Every place of the rows and columns in which pictures stand, whether or not one is there."""
    solid = uniform_filter((pixels.min(axis=2) < PAPER).astype(float), 9) > 0.6
    found = [
        panel for panel in find_objects(label(solid)[0]) if all(side.stop - side.start >= PICTURE for side in panel)
    ]
    rows, columns = (_bands([panel[axis] for panel in found]) for axis in (0, 1))
    return [(row, column) for row in rows for column in columns]


def _bands(sides: list[slice]) -> list[slice]:
    """Intervals that overlap as one."""
    bands: list[slice] = []
    for side in sorted(sides, key=lambda side: side.start):
        if bands and side.start < bands[-1].stop:
            bands[-1] = slice(bands[-1].start, max(side.stop, bands[-1].stop))
        else:
            bands.append(side)
    return bands


def _covered(picture: np.ndarray) -> bool:
    return bool((picture.min(axis=2) < PAPER).mean() > 0.5)


def _varied(picture: np.ndarray) -> bool:
    """Whether there are more than one or two colours, but for those of the picture's border."""
    return len(np.unique(picture[4:-4, 4:-4].reshape(-1, 3), axis=0)) > 3
