"""One look for all figures: a colour for each prior, a dash for each method, the same bytes for the same numbers."""

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from stages.pipeline.artifacts import COMBINED, FLOW, NO_PRIOR, UNRESTORED, prior_and_latent
from stages.pipeline.storage import Writer
from stages.report.shades import HIDDEN
from stages.restoration.observed import Observed
from stages.restoration.restored import MAP, PLAIN, POSTERIOR_MEAN

PALETTE = ("#d1495b", "#00798c", "#edae49", "#6a4c93", "#8ab17d", "#e76f51", "#277da1", "#9c6644")  # in turn
DOTS = 110  # pixels an inch
MARGIN = 10  # pixels
SPELLED = {  # words of names, as people write them
    "bm3d": "BM3D",
    "glo": "GLO",
    "nl": "NL",
    "pca": "PCA",
    "tv": "TV",
    "unet": "U-Net",
    "vae": "VAE",
    "wiener": "Wiener",
}
HYPHENED = ("min_max", "max_min", "non_")  # and what they hyphen in them
CYCLES = "frequency, cycles per image side"
GREY = "#555555"  # of what has no prior
DASHES: dict[str, Any] = {  # of a method
    PLAIN: "--",
    MAP: "-.",
    POSTERIOR_MEAN: "-",
    COMBINED: (0, (6, 1, 1, 1, 1, 1)),
    UNRESTORED: ":",
}
GREYS = ("#222222", "#444444", "#666666", "#888888", "#aaaaaa")  # of rivals, told apart by MARKERS
MARKERS = ("o", "s", "^", "v", "D", "P", "X")

plt.rcParams.update(
    {
        "figure.dpi": DOTS,
        "figure.max_open_warning": 0,  # all are open until they are written as a set
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "legend.frameon": False,
        "legend.handlelength": 3.2,  # so that dashes are seen
    }
)


def colours(priors: Iterable[str]) -> dict[str, str]:
    """A colour for each prior by its place, with a flow or without, and grey for `none`."""
    names = [name for name in dict.fromkeys(priors) if name != NO_PRIOR]
    places = {prior: place for place, prior in enumerate(dict.fromkeys(prior_and_latent(name)[0] for name in names))}
    return {name: PALETTE[places[prior_and_latent(name)[0]] % len(PALETTE)] for name in names} | {NO_PRIOR: GREY}


def readable(name: str) -> str:
    """A name of params.yaml as people read it: non_saturating is non-saturating, vae-flow VAE + flow."""
    prior, _, flow = name.partition("-")
    for part in HYPHENED:
        prior = prior.replace(part, part.replace("_", "-"))
    words = [SPELLED.get(word, word) for word in prior.split("_")]
    return " ".join(words) + (f" + {flow}" if flow else "")


def dash(prior: str) -> str:
    """Of a line that tells priors apart: solid, or dashed where the codes come from N(0, I) beside others of a flow."""
    return "-" if prior_and_latent(prior)[1] == FLOW else "--"


def by_prior(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each prior of a table and its rows, in the table's order."""
    for prior in table.prior.unique():
        yield str(prior), table[table.prior == prior]


def figure_writer(figure: Figure) -> Writer:
    """A PNG of what is drawn, with a narrow margin; the same figure is the same bytes. Closes the figure.

    `savefig` with bbox_inches="tight" draws a figure twice, which only a figure needs whose words reach beyond it.
    """

    def write(file: Any) -> None:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        picture = np.asarray(canvas.buffer_rgba())
        box = figure.get_tightbbox(canvas.get_renderer())
        width, height = figure.get_size_inches()
        if min(box.x0, box.y0) < 0 or box.x1 > width or box.y1 > height:
            drawn = io.BytesIO()
            figure.savefig(drawn, format="png", bbox_inches="tight")
            picture = np.asarray(Image.open(drawn))
        plt.close(figure)
        Image.fromarray(_cut(picture[..., :3])).save(file, format="png")

    return write


def _cut(picture: np.ndarray) -> np.ndarray:
    """A drawn figure (H, W, 3) with MARGIN white pixels around what is not white."""
    inked = (picture < 255).any(axis=-1)
    if not inked.any():
        return picture
    rows, columns = np.nonzero(inked)
    inner = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return np.pad(inner, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255)


def panel_rows(rows: Sequence[Sequence[str]], width: float, height: float) -> tuple[Figure, dict[str, Axes]]:
    """A figure, and its panels by name: those of a row share its whole width, in inches; each row has this height."""
    rows = [row for row in rows if row]
    columns = math.lcm(*(len(row) for row in rows))
    mosaic: list[Any] = [[name for name in row for _ in range(columns // len(row))] for row in rows]
    return plt.subplot_mosaic(mosaic, figsize=(width, height * len(rows)), layout="constrained")


def side(images: np.ndarray, least: float = 0.75, dots: float = 2) -> float:
    """Inches along one side of an image (..., S, S) in a figure: `least`, or more if a pixel would get fewer dots."""
    return float(max(least, dots * images.shape[-1] / plt.rcParams["figure.dpi"]))


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (N, C, H, W) -> one picture (rows * H, columns * W, C), row by row."""
    count, channels, height, width = images.shape
    grid = images.reshape(count // columns, columns, channels, height, width)
    return grid.transpose(0, 3, 1, 4, 2).reshape(-1, columns * width, channels)


def show(axes: Axes, picture: np.ndarray, **limits: Any) -> None:
    """Draw a picture (H, W, 1 or 3) without axes; grey ones on a fixed scale, black 0 and white 1 unless told."""
    scale: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1} | limits
    axes.imshow(picture[..., 0] if picture.shape[-1] == 1 else picture.clip(0, 1), interpolation="nearest", **scale)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def greyed(observed: Observed) -> np.ndarray:
    """The observed images (N, C, H, W), with hidden pixels in grey."""
    return np.where(observed.observation.mask, observed.observation.y, HIDDEN)
