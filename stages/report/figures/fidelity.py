"""How close generated images come to real ones, epoch by epoch."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from stages.pipeline.artifacts import NO_PRIOR
from stages.report.study import Study
from stages.report.style import GREY, by_prior, colours, readable


def draw(study: Study) -> dict[str, Figure]:
    return {"fidelity": fidelity_curves(study.table("fidelity"))}


def fidelity_curves(fidelity: pd.DataFrame) -> Figure:
    """Six small panels against the epoch: each prior a colour, a dotted line for training images in place of fakes."""
    palette = colours(fidelity.prior)
    figure, axes = plt.subplots(2, 3, figsize=(11, 5.6), layout="constrained")
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
    for panel, (column, title) in zip(axes.flat, panels.items(), strict=True):
        panel.axhline(getattr(floor, column), color=GREY, linestyle=":", label="training images")
        for prior, rows in by_prior(generated):
            panel.plot(rows.epoch, rows[column], "-", color=palette[prior], label=readable(prior), marker=".")
        panel.set_title(title)
        panel.set_xlabel("epoch")
    axes[0, 0].set_yscale("log")
    axes[0, 0].legend()
    return figure
