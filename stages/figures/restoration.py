"""Figures of restoration: pictures side by side, and quality against how much was lost."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.figures.style import COLOURS, DASHES, NAMES, show, tile
from stages.restoration.quality import METHODS

Arrays = dict[str, np.ndarray]  # what a restoration stage saved for one loss


def inversion_panels(inverted: dict[str, Arrays], each: int = 5) -> Figure:
    """Image, G(z*) of the map search and their difference, for `each` images of every source."""
    first = next(iter(inverted.values()))
    sources = list(dict.fromkeys(first["source"].tolist()))
    each = min(each, len(first["source"]) // len(sources))
    picked = np.concatenate([np.flatnonzero(first["source"] == source)[:each] for source in sources])
    rows: list[tuple[str, str, np.ndarray, dict]] = []
    for loss, arrays in inverted.items():
        images, found = arrays["images"][picked], arrays["map"][picked]
        signed = {} if images.shape[1] == 3 else {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}
        difference = np.abs(found - images) if images.shape[1] == 3 else found - images
        rows.append(("image", "black", images, {}))
        rows.append((f"G(z*)\n{NAMES[loss]}", COLOURS[loss], found, {}))
        rows.append(("difference", COLOURS[loss], difference, signed))
    figure, axes = plt.subplots(
        len(rows), len(sources), figsize=(3.6 * len(sources), 0.85 * len(rows)), squeeze=False, layout="constrained"
    )
    for axes_row, (label, colour, pictures, limits) in zip(axes, rows, strict=True):
        for column, panel in enumerate(axes_row):
            show(panel, tile(pictures[column * each : (column + 1) * each], columns=each), **limits)
        axes_row[0].set_ylabel(label, color=colour, rotation=0, ha="right", va="center")
    for panel, source in zip(axes[0], sources, strict=True):
        panel.set_title(f"{source} images")
    return figure


def denoising_panels(denoised: dict[str, Arrays], each: int = 2) -> Figure:
    """The first test images at every sigma: as observed, then as each method restores them with each loss."""
    conditions = np.unique(next(iter(denoised.values()))["sigma"])
    return _condition_panels(denoised, "sigma", conditions, "sigma {:g}", each)


def inpainting_panels(inpainted: dict[str, Arrays], each: int = 4) -> Figure:
    """The first test images with every number of windows: as observed, then as each method restores them."""
    conditions = np.unique(next(iter(inpainted.values()))["holes"])
    return _condition_panels(inpainted, "holes", conditions, "{} missing", each)


def _condition_panels(restored: dict[str, Arrays], key: str, conditions: np.ndarray, title: str, each: int) -> Figure:
    first = next(iter(restored.values()))
    each = min(each, len(first[key]) // len(conditions))
    rows = [("original", "black", first["images"]), ("observed", "black", _greyed(first))]
    for loss, arrays in restored.items():
        rows += [(f"{method}, {NAMES[loss]}", COLOURS[loss], arrays[method]) for method in METHODS]
    figure, axes = plt.subplots(
        len(rows),
        len(conditions),
        figsize=(0.75 * each * len(conditions) + 1, 0.75 * len(rows)),
        squeeze=False,
        layout="constrained",
    )
    for axes_row, (label, colour, pictures) in zip(axes, rows, strict=True):
        for panel, condition in zip(axes_row, conditions, strict=True):
            show(panel, tile(pictures[first[key] == condition][:each], columns=each))
        axes_row[0].set_ylabel(label, color=colour, rotation=0, ha="right", va="center")
    for panel, condition in zip(axes[0], conditions, strict=True):
        panel.set_title(title.format(condition))
    return figure


def _greyed(arrays: Arrays) -> np.ndarray:
    """The observed images, with hidden pixels in mid-grey so that they do not pass for black."""
    return np.where(arrays["mask"], arrays["observed"], 0.4) if "mask" in arrays else arrays["observed"]


def quality_curves(table: pd.DataFrame, x: str, y: str, labels: tuple[str, str]) -> Figure:
    """`y` against `x` with its 95 % interval: a colour a loss, solid for map, dashed for plain, dotted as observed."""
    figure, axes = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    for (loss, method), curve in table.groupby(["loss", "method"], sort=False):
        name = method if loss == "none" else f"{method}, {NAMES[loss]}"
        axes.plot(curve[x], curve[y], DASHES[method], color=COLOURS[loss], marker=".", label=name)
        axes.fill_between(curve[x], curve[f"{y}_low"], curve[f"{y}_high"], color=COLOURS[loss], alpha=0.12, lw=0)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.set_xticks(sorted(table[x].unique()))
    axes.legend(fontsize=8)
    return figure
