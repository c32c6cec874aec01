"""One look for all figures: a colour for each loss, a dash for each method, the same bytes for the same numbers."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from stages.pipeline.artifacts import write_atomically

COLOURS = {"minimax": "#d1495b", "non_saturating": "#00798c", "least_squares": "#edae49", "none": "#555555"}
NAMES = {"minimax": "minimax", "non_saturating": "non-saturating", "least_squares": "least squares"}
DASHES = {"plain": "--", "map": "-.", "posterior_mean": "-", "observed": ":"}
GREYS = ("#222222", "#444444", "#666666", "#888888", "#aaaaaa")  # of what has no loss, told apart by MARKERS
MARKERS = ("o", "s", "^", "v", "D")

plt.rcParams.update(
    {
        "figure.dpi": 110,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "legend.frameon": False,
    }
)


def save_figure(path: Path, figure: Figure) -> None:
    """Write a PNG without the library's version in it, so that the same figure is the same bytes."""
    metadata = {"Software": None}
    write_atomically(path, lambda partial: figure.savefig(partial, bbox_inches="tight", metadata=metadata))
    plt.close(figure)


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (N, C, H, W) -> one picture (rows * H, columns * W, C), row by row."""
    count, channels, height, width = images.shape
    grid = images.reshape(count // columns, columns, channels, height, width)
    return grid.transpose(0, 3, 1, 4, 2).reshape(-1, columns * width, channels)


def show(axes: plt.Axes, picture: np.ndarray, **limits) -> None:
    """Draw a picture (H, W, 1 or 3) without axes; grey ones on a fixed scale, black 0 and white 1 unless told."""
    scale = {"cmap": "gray", "vmin": 0, "vmax": 1} | limits
    axes.imshow(picture[..., 0] if picture.shape[-1] == 1 else picture.clip(0, 1), interpolation="nearest", **scale)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
