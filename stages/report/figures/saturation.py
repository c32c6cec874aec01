"""Which objective saturates: what reaches a frozen generator, why, and how many small GANs it stops."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.pipeline.numerics.pixels import to_float
from stages.priors.saturated import run_name
from stages.priors.slopes import GAN_LOSSES, OBJECTIVES, loss_by_output, output_by_logit, slope
from stages.report.study import Study
from stages.report.style import colours, readable, show, tile

FACTORS = {
    "loss_slope": "slope of the loss, |dL/dl|",
    "logit_grad_norm": "gradient of the logit, |d mean(l)/dθ|",
    "g_grad_norm": "gradient of the generator, |dL/dθ|",
}
LINES = dict(zip(OBJECTIVES, ("-", "--", "-.", ":"), strict=True))  # two of them share a gradient of the logit
SMALLEST = 1e-9  # what is smaller is drawn there
POINTS = 40  # of autograd in a panel


def draw(study: Study) -> dict[str, Figure]:
    return {
        "saturation": falling_gradients(study.table_of_losses("saturation")),
        "saturation_slopes": slopes_at_logits(study.reached_logits()),
        "saturation_grid": saturated_cells(study.table_of_losses("saturation_grid"), study.small_samples()),
        "saturation_updates": gradients_and_updates(study.small_gans()),
    }


def falling_gradients(saturation: pd.DataFrame) -> Figure:
    """A row for each age of the generator: the two factors and their product; median and range over seeds."""
    ages, palette = saturation.age.unique(), colours(OBJECTIVES)
    figure, axes = plt.subplots(
        len(ages),
        3,
        figsize=(11, 2.7 * len(ages) + 0.4),
        sharex=True,
        sharey="col",
        squeeze=False,
        layout="constrained",
    )
    for row, age in zip(axes, ages, strict=True):
        for panel, column in zip(row, FACTORS, strict=True):
            for objective in OBJECTIVES:
                own = saturation[(saturation.age == age) & (saturation.objective == objective)]
                values = own.groupby("d_step")[column].agg(["median", "min", "max"]).clip(lower=SMALLEST)
                look = {"color": palette[objective], "linestyle": LINES[objective], "label": readable(objective)}
                panel.plot(values.index, values["median"], marker=".", **look)
                panel.fill_between(values.index, values["min"], values["max"], color=palette[objective], alpha=0.2)
            panel.set_xscale("log")
            panel.set_yscale("log")
        low, high = row[1].get_ylim()  # a decade more on either side, or what hardly changes would look wild
        row[1].set_ylim(
            min(low, saturation.logit_grad_norm.min() / 10), max(high, saturation.logit_grad_norm.max() * 10)
        )
        row[0].set_ylabel("untrained generator" if age == 0 else f"generator after epoch {age}", fontsize=10)
    for panel, title in zip(axes[0], FACTORS.values(), strict=True):
        panel.set_title(title)
    for panel in axes[-1]:
        panel.set_xlabel("steps of the discriminator")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def slopes_at_logits(reached: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """reached[objective]: logits (N,) and slopes (N,) there. A column each: curves above, a histogram below."""
    everything = np.concatenate([logits for logits, _ in reached.values()])
    grid = np.linspace(min(everything.min(), -10) - 1, max(everything.max(), 5) + 1, 400)
    palette = colours(OBJECTIVES)
    figure, axes = plt.subplots(
        2, len(reached), figsize=(13, 5), sharex=True, sharey="row", height_ratios=(2, 1), layout="constrained"
    )
    for (curves, bars), (objective, (logits, slopes)) in zip(axes.T, reached.items(), strict=True):
        colour = palette[objective]
        curves.plot(grid, np.abs(slope(objective, grid)), color=colour, linewidth=2, label="|dL/dl|, their product")
        curves.plot(grid, np.abs(loss_by_output(objective, grid)), "--", color="#222222", label="|dL/dD|")
        curves.plot(grid, output_by_logit(objective, grid), ":", color="#222222", label="dD/dl")
        some = np.argsort(logits)[np.linspace(0, len(logits) - 1, min(POINTS, len(logits))).astype(int)]
        look = {"s": 18, "facecolor": "none", "edgecolor": "#222222", "zorder": 3, "label": "|dL/dl| by autograd"}
        curves.scatter(logits[some], np.abs(slopes[some]), **look)
        curves.set_yscale("log")
        curves.set_ylim(1e-7, 1e7)
        curves.set_title(readable(objective), color=colour)
        bars.hist(logits, bins=np.linspace(grid[0], grid[-1], 60), color=colour)
        bars.set_xlabel("logit l of a generated image")
    axes[1, 0].set_ylabel("images in the end")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def saturated_cells(grid: pd.DataFrame, samples: dict[str, np.ndarray]) -> Figure:
    """How many runs of each cell saturated, over samples of its first run; the frame is the redder the more did."""
    rows = list(grid[["loss", "batch_norm"]].drop_duplicates().itertuples(index=False, name=None))
    columns = list(grid[["optimiser", "discriminator_steps"]].drop_duplicates().itertuples(index=False, name=None))
    rows.sort(key=lambda row: GAN_LOSSES.index(row[0]))
    columns.sort(key=lambda column: column[0])
    palette, warmth = colours(GAN_LOSSES), plt.get_cmap("OrRd")
    size = (1.35 * len(columns) + 1.4, 1.6 * len(rows) + 0.4)
    figure, axes = plt.subplots(len(rows), len(columns), figsize=size, squeeze=False, layout="constrained")
    keys = ["loss", "batch_norm", "optimiser", "discriminator_steps"]
    cells = {tuple(cell[key] for key in keys): cell for cell in grid.to_dict("records")}
    for places, panel in np.ndenumerate(axes):
        loss, batch_norm = rows[places[0]]
        optimiser, steps = columns[places[1]]
        cell = {str(name): value for name, value in cells[loss, batch_norm, optimiser, steps].items()}
        show(panel, to_float(tile(samples[run_name(cell | {"seed": 0})], 4)))
        share = cell["saturated"] / cell["seeds"]
        panel.set_title(
            f"{cell['saturated']} of {cell['seeds']}", fontweight="bold" if share else "normal", fontsize=10
        )
        for spine in panel.spines.values():
            spine.set(visible=True, linewidth=4, color=warmth(0.15 + 0.75 * share))
        if places[0] == 0:
            words = f"{optimiser.upper() if optimiser == 'sgd' else optimiser.capitalize()}, D steps: {steps}"
            panel.annotate(words, (0.5, 1.28), xycoords="axes fraction", ha="center", fontsize=10)
        if places[1] == 0:
            norm = "BatchNorm in D" if batch_norm == "true" else "no BatchNorm in D"
            panel.set_ylabel(f"{readable(loss)}\n{norm}", color=palette[loss], fontsize=9)
    return figure


def gradients_and_updates(histories: pd.DataFrame) -> Figure:
    """Norms of the generator's gradient and of the optimiser's step, by their largest; medians over seeds.

    With BatchNorm in D where there are such runs, and three discriminator steps, or else the most.
    """
    steps = 3 if 3 in set(histories.discriminator_steps) else histories.discriminator_steps.max()
    own = histories[histories.discriminator_steps == steps]
    if "true" in set(own.batch_norm):
        own = own[own.batch_norm == "true"]
    optimisers = list(own.optimiser.unique())
    palette = colours(GAN_LOSSES)
    figure, axes = plt.subplots(
        1, len(optimisers), figsize=(5.5 * len(optimisers), 3.2), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, optimiser in zip(axes[0], optimisers, strict=True):
        for loss in GAN_LOSSES:
            runs = own[(own.optimiser == optimiser) & (own.loss == loss)]
            medians = runs.groupby("g_step")[["g_grad_norm", "update_norm"]].median()
            for column, line, word in (("g_grad_norm", "-", "gradient"), ("update_norm", "--", "update")):
                values = (medians[column] / medians[column].max()).clip(lower=SMALLEST)
                panel.plot(values.index, values, line, color=palette[loss], label=f"{readable(loss)}: {word}")
        panel.set_yscale("log")
        panel.set_title(f"{optimiser.upper() if optimiser == 'sgd' else optimiser.capitalize()}, D steps: {steps}")
        panel.set_xlabel("steps of the generator")
    axes[0, 0].set_ylabel("norm, by the largest")
    axes[0, -1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
