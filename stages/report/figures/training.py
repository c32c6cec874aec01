"""How losses, logits and gradients went."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stages.report.study import Study
from stages.report.style import by_prior, colours, readable


def draw(study: Study) -> dict[str, Figure]:
    return {"training": training_curves(study.table("training"))}


def training_curves(training: pd.DataFrame) -> Figure:
    """Six small panels against the epoch: each prior a colour; real logits solid, fake ones dashed."""
    palette = colours(training.prior)
    figure, axes = plt.subplots(2, 3, figsize=(11, 5.6), layout="constrained")
    panels = {
        "discriminator loss": ["d_loss"],
        "generator loss": ["g_loss"],
        "logits (solid: real, dashed: fake)": ["real_logit", "fake_logit"],
        "|dL_G/dl|, slope of the generator's loss": ["loss_slope"],
        "norm of the generator's gradient": ["g_grad_norm"],
        "discriminator accuracy": ["d_accuracy"],
    }
    for panel, (title, columns) in zip(axes.flat, panels.items(), strict=True):
        for prior, history in by_prior(training):
            for column, dash in zip(columns, ("-", "--"), strict=False):
                panel.plot(
                    history.epoch, history[column], dash, color=palette[prior], label=readable(prior), marker="."
                )
        panel.set_title(title)
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        if columns[0] in ("loss_slope", "g_grad_norm"):
            panel.set_yscale("log")
    axes[0, 0].legend()
    return figure
