"""Which features of an image survive inversion: by class, by thickness, by place, by trait."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from stages.pipeline.artifacts import NO_PRIOR
from stages.report.study import Study
from stages.report.style import colours, panel_rows, readable
from stages.restoration.restored import WHITENED

MOST_TICKS = 20  # of classes; of more, every second or third has one


def draw(study: Study) -> dict[str, Figure]:
    return {"features": features_figure(study.table("features"), study.table("traits"))}


def features_figure(features: pd.DataFrame, traits: pd.DataFrame, method: str = WHITENED) -> Figure:
    """Real images and one method: PSNR by class and by thickness of strokes, where errors sit, which traits stay.

    What the images do not have, classes or strokes, has no panel.
    """
    palette = colours(features.prior)
    features = features[(features.method == method) & (features.source == "real")]
    traits = traits[(traits.method == method) & (traits.source == "real")]
    scored = {name: rows for name in ("class", "thickness") if len(rows := features[features.feature == name])}
    figure, axes = panel_rows([list(scored), ["place", "trait"]], width=10, height=3.2)
    for name, rows in scored.items():
        _scores(axes[name], rows, {"class": "class", "thickness": "thickness of strokes, pixels"}[name], palette)
    if "class" in scored:
        values = sorted(scored["class"].value.astype(int).unique())
        axes["class"].set_xticks(values[:: 1 + len(values) // MOST_TICKS])
    if len(scored) == 2:
        axes["class"].sharey(axes["thickness"])

    place = features[features.feature == "place"]
    area = place.drop_duplicates("value").assign(prior=NO_PRIOR, share_of_error=lambda rows: rows.share_of_pixels)
    _bars(axes["place"], pd.concat([area, place]), "value", "share_of_error", palette)
    axes["place"].set_ylabel("share of squared error (grey: of pixels)")
    _bars(axes["trait"], traits, "trait", "kept", palette)
    axes["trait"].set_ylabel(f"kept by inversion, {method}")
    handles, names = axes["trait"].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    return figure


def _scores(axes: Axes, rows: pd.DataFrame, label: str, palette: dict[str, str]) -> None:
    """PSNR with its 95 % interval against the value of a feature, the priors side by side."""
    priors = list(rows.prior.unique())
    values = np.sort(rows.value.astype(float).unique())
    step = np.diff(values).min(initial=1.0) / (4 * len(priors))
    for number, prior in enumerate(priors):
        cell = rows[rows.prior == prior]
        low, high = cell.psnr - cell.psnr_low, cell.psnr_high - cell.psnr
        x = cell.value.astype(float) + step * (number - (len(priors) - 1) / 2)
        axes.errorbar(x, cell.psnr, (low, high), fmt=".", color=palette[prior], label=readable(prior))
    axes.set_xlabel(label)
    axes.set_ylabel("PSNR, dB")


def _bars(axes: Axes, rows: pd.DataFrame, group: str, height: str, palette: dict[str, str]) -> None:
    """Shares from 0 to 1: a group of bars for each value of `group`, a bar for each prior; what is below 0 has none."""
    groups, priors = list(rows[group].unique()), list(rows.prior.unique())
    width = 0.8 / len(priors)
    size = min(7.0, 140 / (len(groups) * len(priors)))  # points, at which "100" is no wider than its bar
    for number, prior in enumerate(priors):
        heights = rows[rows.prior == prior].set_index(group)[height].reindex(groups)
        x = np.arange(len(groups)) + width * (number - (len(priors) - 1) / 2)
        bars = axes.bar(x, heights.clip(lower=0), width, color=palette[prior], label=readable(prior))
        axes.bar_label(bars, ["" if np.isnan(share) else f"{100 * share:.0f}" for share in heights], fontsize=size)
    axes.set_xticks(range(len(groups)), groups)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylim(0, 1.05)
    axes.grid(False, axis="x")
