"""Each task: images side by side, and quality against how much was lost."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from stages.pipeline.artifacts import COMBINED, NO_PRIOR, UNRESTORED
from stages.report.study import Seen, Study
from stages.report.style import DASHES, GREYS, MARKERS, by_prior, colours, greyed, readable, show, side, tile
from stages.restoration.restored import POSTERIOR_MEAN

WIDTH, SIDE, LABELS = 13.5, 0.75, 1.8  # inches of the images in a row, of one image at least, and of the names


def draw(study: Study) -> dict[str, Figure]:
    figures = {}
    for task in study.params.tasks:
        restored = {prior: study.by_prior(task, prior) for prior in study.priors}
        observed = next(iter(restored.values())).observed
        fitting = int(WIDTH / side(observed.images, SIDE))
        figures[task] = condition_panels(restored, each=min(max(fitting // len(observed.conditions), 1), 4))
        quality = "psnr" if observed.hidden is None else "hole_psnr"
        figures[f"{task}_psnr"] = quality_curves(study.task_table(task), observed.condition_name, quality)
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
    """`quality` by condition with its 95 % interval: left all methods of all priors, right the best beside the rivals.

    Without rivals there is nothing to the right. A colour a prior; solid for the posterior mean, dash-dotted for map,
    dashed for plain; in grey what has no prior.
    """
    palette = colours(table.prior)
    table = table[table[quality].notna()]  # infinite, at sigma 0
    rivals = [method for method in table[table.prior == NO_PRIOR].method.unique() if method != UNRESTORED]
    count = 2 if rivals else 1
    figure, axes = plt.subplots(1, count, figsize=(5.5 * count, 5), sharey=True, squeeze=False, layout="constrained")
    own, others = axes[0, 0], axes[0, -1]
    for (prior, method), curve in _curves(table):
        x, y = curve[condition], curve[quality]
        if prior == NO_PRIOR and method in rivals:
            place = rivals.index(method)
            look = {"color": GREYS[place % len(GREYS)], "marker": MARKERS[place % len(MARKERS)]}
            name = "rivals combined" if method == COMBINED else method
            others.plot(x, y, "-", **look, markersize=4, lw=0.8, label=name)
            continue
        name = method if prior == NO_PRIOR else f"{method}, {readable(prior)}"
        for panel in axes[0]:
            if panel is own or method in (POSTERIOR_MEAN, COMBINED):
                panel.plot(x, y, linestyle=DASHES[method], color=palette[prior], marker=".", label=name)
                low, high = curve[f"{quality}_low"], curve[f"{quality}_high"]
                panel.fill_between(x, low, high, color=palette[prior], alpha=0.12, lw=0)
    headings = ("by prior and method", "posterior mean, combined, and what needs no prior")
    for panel, heading in zip(axes[0], headings, strict=False):
        panel.set_title(heading)
        panel.set_xlabel(condition)
        panel.set_xticks(sorted(table[condition].unique()))
        panel.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
    own.set_ylabel(f"{readable(quality)}, dB".replace("psnr", "PSNR"))
    return figure


def _curves(table: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """The rows of each prior and method, in the table's order."""
    for prior, rows in by_prior(table):
        for method in rows.method.unique():
            yield (prior, str(method)), rows[rows.method == method]
