"""How many modes are covered in which order of the game, what generators draw in the end, and how one of them hops."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stages.pipeline.storage import Arrays
from stages.priors.max_min.coordinates import Coordinates
from stages.priors.max_min.mixtures import MIXTURES
from stages.priors.max_min.played import (
    FILMED,
    FINAL,
    FRAMES,
    IMAGES,
    LOADINGS,
    MAX_MIN,
    MEAN,
    ORDERS,
    SURFACE,
    data_of,
    samples_of,
)
from stages.priors.slopes import GAN_LOSSES
from stages.report.study import Study
from stages.report.style import GREY, PALETTE, colours, readable, show, tile

SHOWN = 500  # samples in a panel of points
COLUMNS = 4  # of a panel of images
GROUND = "#e9e9e9"  # behind points, so that a panel without any is seen
FILMED_LOSS = "non_saturating"
IN_A_ROW = 8  # frames of a film


def draw(study: Study) -> dict[str, Figure]:
    modes, played = study.table("modes"), study.played()
    return {"modes": mode_counts(modes, played), "modes_hopping": film_strip(played)}


def mode_counts(modes: pd.DataFrame, played: Arrays) -> Figure:
    """Above, a panel for each data set: modes covered, a dot a seed, a bar their median, dotted: all modes there are.

    Below, a row an order: what the first seed's generators draw in the end, a column for each loss on each data set.
    """
    names = data_of(played)
    figure = plt.figure(figsize=(11, 6.6), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[2.4, 4.2])[:, 0]
    for panel, data in zip(np.atleast_1d(above.subplots(1, len(names))), names, strict=True):
        _counts(panel, modes[modes.data == data])
    above.axes[0].legend(fontsize=7, loc="best")
    rows = below.subplots(len(ORDERS), len(names) * len(GAN_LOSSES), squeeze=False)
    for order, row in zip(ORDERS, rows, strict=True):
        pairs = [(data, loss) for data in names for loss in GAN_LOSSES]
        for panel, (data, loss) in zip(row, pairs, strict=True):
            points = samples_of(played, data, order, loss, FINAL)[0]
            if data == IMAGES:
                pictures = Coordinates(played[MEAN], played[LOADINGS]).decode(points[: COLUMNS**2])
                show(panel, tile(pictures, COLUMNS))
            else:
                _points(panel, data, points[:SHOWN], colours(GAN_LOSSES)[loss])
            if order == ORDERS[0]:
                panel.set_title(f"{data}\n{readable(loss)}", fontsize=8)
        row[0].set_ylabel(readable(order), fontsize=9)
    return figure


def _counts(panel: Axes, modes: pd.DataFrame) -> None:
    for place, (loss, colour) in enumerate(zip(GAN_LOSSES, PALETTE, strict=False)):
        for number, order in enumerate(ORDERS):
            own = modes[(modes.loss == loss) & (modes.order == order)].modes.to_numpy()
            x = number + (place - 1) * 0.25
            spread = np.linspace(-0.07, 0.07, len(own)) if len(own) > 1 else np.zeros(1)
            panel.plot(x + spread, own, ".", color=colour, label=readable(loss) if number == 0 else None)
            panel.plot([x - 0.1, x + 0.1], [np.median(own)] * 2, color=colour, linewidth=1.5)
    data = str(modes.data.iloc[0])
    panel.set_title(f"{data}: modes covered" if data != IMAGES else "images: classes covered")
    if data in MIXTURES:
        panel.axhline(len(MIXTURES[data].centres), color=GREY, linestyle=":")
    panel.set_xticks(range(len(ORDERS)), [readable(order) for order in ORDERS])
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_ylim(bottom=-0.4)


def _points(panel: Axes, data: str, points: np.ndarray, colour: str) -> None:
    """Points of a mixture over its whole box, in grey circles the places where the good ones lie."""
    mixture = MIXTURES[data]
    panel.set_facecolor(GROUND)
    panel.plot(*mixture.centres.T, "o", color="white", markersize=4.5)
    panel.plot(*points.T, ".", color=colour, markersize=1.5)
    _boxed(panel, mixture.reach)


def _boxed(panel: Axes, reach: float) -> None:
    panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
    panel.grid(False)
    for spine in panel.spines.values():
        spine.set_visible(False)


def film_strip(played: Arrays) -> Figure:
    """One run in the order max_min, at equal distances over the last half of its steps.

    Ground: the discriminator's logit; white circles: the modes; red: what the generator draws.
    """
    frames = samples_of(played, FILMED, MAX_MIN, FILMED_LOSS, FRAMES)[0]
    surface = samples_of(played, FILMED, MAX_MIN, FILMED_LOSS, SURFACE)
    mixture = MIXTURES[FILMED]
    columns = min(len(frames), IN_A_ROW)
    rows = -(-len(frames) // columns)
    size = (1.3 * columns + 0.8, 1.5 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    limits = np.quantile(surface, [0.02, 0.98])
    for panel in axes.flat[len(frames) :]:
        panel.set_axis_off()
    for number, (panel, points, logits) in enumerate(zip(axes.flat, frames, surface, strict=False)):
        extent = (-mixture.reach, mixture.reach, -mixture.reach, mixture.reach)
        drawn = panel.imshow(logits, origin="lower", extent=extent, cmap="viridis", vmin=limits[0], vmax=limits[1])
        panel.plot(*mixture.centres.T, "o", color="white", fillstyle="none", markersize=6)
        panel.plot(*points.T, ".", color=PALETTE[0], markersize=3)
        _boxed(panel, mixture.reach)
        panel.set_title(f"{50 + 50 * (number + 1) / len(frames):.0f} %", fontsize=8)
    figure.colorbar(drawn, ax=axes, label="logit of D", shrink=0.8, pad=0.01, aspect=30)
    return figure
