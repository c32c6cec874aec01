"""Each task: images side by side, and quality against how much was lost."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.pipeline.artifacts import COMBINED, NO_PRIOR, UNRESTORED
from stages.report.study import Seen, Study
from stages.report.style import DASHES, GREYS, MARKERS, by_prior, colours, dash, greyed, readable, show, side, tile
from stages.restoration.restored import POSTERIOR_MEAN, Restored

WIDTH, SIDE, LABELS = 13.5, 0.75, 1.8  # inches of the images in a row, of one image at least, and of the names


def draw(study: Study) -> dict[str, Figure]:
    """Of each task the images, the best of each prior beside the rivals, and all methods of each prior.

    The images are posterior means, and of the usual prior those of all methods.
    """
    figures = {}
    for task in study.params.tasks:
        restored = {prior: study.by_prior(task, prior) for prior in study.params.searched}
        for prior in restored.keys() - {study.params.usual_prior}:
            seen = restored[prior]
            restored[prior] = Seen(seen.observed, Restored({POSTERIOR_MEAN: seen.restored.images[POSTERIOR_MEAN]}))
        observed = next(iter(restored.values())).observed
        fitting = int(WIDTH / side(observed.images, SIDE))
        figures[task] = condition_panels(restored, each=min(max(fitting // len(observed.conditions), 1), 4))
        quality = "psnr" if observed.hidden is None else "hole_psnr"
        table = study.task_table(task)
        figures[f"{task}_psnr"] = quality_curves(table, observed.condition_name, quality)
        figures[f"{task}_methods"] = method_curves(table, observed.condition_name, quality)
    return figures


def condition_panels(restored: dict[str, Seen], each: int) -> Figure:
    """The first test images under every condition: the original, as observed, then as each method restores them."""
    palette = colours(restored)
    first = next(iter(restored.values())).observed
    each = min(each, int(first.cell(first.conditions[0]).sum()))
    rows = [("original", "black", first.images), ("observed", "black", greyed(first))]
    for prior, seen in restored.items():
        rows += [
            (f"{method}, {readable(prior)}", palette[prior], images) for method, images in seen.restored.images.items()
        ]
    inches = side(first.images, SIDE)
    size = (inches * each * len(first.conditions) + LABELS, inches * len(rows))
    figure, axes = plt.subplots(len(rows), len(first.conditions), figsize=size, squeeze=False, layout="constrained")
    for axes_row, (label, colour, pictures) in zip(axes, rows, strict=True):
        for panel, condition in zip(axes_row, first.conditions, strict=True):
            show(panel, tile(pictures[first.cell(condition)][:each], columns=each))
        axes_row[0].set_ylabel(label, color=colour, rotation=0, ha="right", va="center")
    for panel, condition in zip(axes[0], first.conditions, strict=True):
        panel.set_title(f"{first.condition_name} {condition}")
    return figure


def quality_curves(table: pd.DataFrame, condition: str, quality: str) -> Figure:
    """`quality` by condition with its 95 % interval: left every prior's posterior mean, right the best beside rivals.

    A colour a prior; solid with a flow, dashed without. Right, the best prior's posterior mean and `combined`, and in
    grey what has no prior; without rivals there is nothing to the right.
    """
    palette = colours(table.prior)
    table = table[table[quality].notna()]  # infinite, at sigma 0
    means = table[table.method == POSTERIOR_MEAN]
    best = means.groupby("prior", sort=False)[quality].mean().idxmax()
    rivals = [method for method in table[table.prior == NO_PRIOR].method.unique() if method != UNRESTORED]
    figure, axes = _panels(2 if rivals else 1)
    own, others = axes[0], axes[-1]
    for (prior, method), curve in _curves(table):
        if method == UNRESTORED or (prior != NO_PRIOR and method == POSTERIOR_MEAN):
            look = {"color": palette[prior], "linestyle": DASHES[method] if prior == NO_PRIOR else dash(prior)}
            _plot(own, curve, condition, quality, method if prior == NO_PRIOR else readable(prior), **look)
        if prior == best and method in (POSTERIOR_MEAN, COMBINED) and rivals:
            look = {"color": palette[prior], "linestyle": DASHES[method]}
            _plot(others, curve, condition, quality, f"{readable(method)}, {readable(prior)}", **look)
        if prior == NO_PRIOR and method in rivals:
            place = rivals.index(method)
            name = "rivals combined" if method == COMBINED else method
            colour, marker = GREYS[place % len(GREYS)], MARKERS[place % len(MARKERS)]
            x, y = curve[condition], curve[quality]
            others.plot(x, y, "-", color=colour, marker=marker, markersize=4, lw=0.8, label=readable(name))
    return _labelled(
        figure, axes, ("posterior mean, by prior", "the best prior, and rivals"), table, condition, quality
    )


def method_curves(table: pd.DataFrame, condition: str, quality: str) -> Figure:
    """`quality` by condition with its 95 % interval: a panel a prior, with a flow or without, a dash a method."""
    palette = colours(table.prior)
    table = table[table[quality].notna()]
    priors = [prior for prior in table.prior.unique() if prior != NO_PRIOR]
    figure, axes = _panels(len(priors))
    for (prior, method), curve in _curves(table):
        if prior != NO_PRIOR:
            look = {"color": palette[prior], "linestyle": DASHES[method]}
            _plot(axes[priors.index(prior)], curve, condition, quality, readable(method), **look)
    return _labelled(figure, axes, [readable(prior) for prior in priors], table, condition, quality)


def _panels(count: int, columns: int = 3) -> tuple[Figure, list[Axes]]:
    """A figure with as many panels, in rows."""
    columns = min(count, columns)
    rows = math.ceil(count / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(5 * columns, 4.6 * rows), sharey=True, squeeze=False, layout="constrained"
    )
    for panel in axes.flat[count:]:
        panel.remove()
    return figure, list(axes.flat[:count])


def _plot(axes: Axes, curve: pd.DataFrame, condition: str, quality: str, label: str, **look: Any) -> None:
    axes.plot(curve[condition], curve[quality], marker=".", label=label, **look)
    low, high = curve[f"{quality}_low"], curve[f"{quality}_high"]
    axes.fill_between(curve[condition], low, high, color=look["color"], alpha=0.12, lw=0)


def _labelled(
    figure: Figure, axes: list[Axes], headings: Sequence[str], table: pd.DataFrame, condition: str, quality: str
) -> Figure:
    for panel, heading in zip(axes, headings, strict=False):
        panel.set_title(heading)
        panel.set_xlabel(condition)
        panel.set_ylabel(f"{readable(quality)}, dB".replace("psnr", "PSNR"))
        panel.set_xticks(sorted(table[condition].unique()))
        panel.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3)  # below: no curve is hidden
    return figure


def _curves(table: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """The rows of each prior and method, in the table's order."""
    for prior, rows in by_prior(table):
        for method in rows.method.unique():
            yield (prior, str(method)), rows[rows.method == method]
