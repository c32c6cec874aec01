"""How close generated images come to real ones, epoch by epoch."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stages.pipeline.artifacts import FLOW, NO_PRIOR, prior_and_latent
from stages.report.study import Study
from stages.report.style import GREY, by_prior, colours, panel_rows, readable


def draw(study: Study) -> dict[str, Figure]:
    return {"fidelity": fidelity_curves(study.table("fidelity"))}


def fidelity_curves(fidelity: pd.DataFrame) -> Figure:
    """A small panel a measure against the epoch: each prior a colour, dotted: training images in place of fakes.

    A star is what the last generator draws from its flow.

    The entropy of classes is left out where the images have no labels.
    """
    palette = colours(fidelity.prior)
    panels = {
        "frechet_distance": "Frechet distance to test images",
        "precision": "precision: fakes that look real",
        "recall": "recall: real images within the fakes' reach",
        "class_entropy": "entropy of the classes drawn, nats",
        "density": "density: real neighbourhoods around a fake",
        "coverage": "coverage: real neighbourhoods with a fake",
    }
    (floor,) = fidelity[fidelity.prior == NO_PRIOR].itertuples()
    generated = fidelity[fidelity.prior != NO_PRIOR]
    drawn = [column for column in panels if column in fidelity]
    figure, axes = panel_rows([drawn[:3], drawn[3:]], width=11, height=2.8)
    for column, panel in axes.items():
        panel.axhline(getattr(floor, column), color=GREY, linestyle=":", label="training images")
        for prior, rows in by_prior(generated):
            marker = "*" if prior_and_latent(prior)[1] == FLOW else "."  # of the last epoch alone
            panel.plot(rows.epoch, rows[column], "-", color=palette[prior], label=readable(prior), marker=marker)
        panel.set_title(panels[column])
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes["frechet_distance"].set_yscale("log")
    handles, labels = axes["frechet_distance"].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure
