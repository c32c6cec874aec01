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
    """Small panels against the epoch: each prior a colour; real logits solid, fake ones dashed.

    Where priors learned without a discriminator, their losses, on another scale, have a panel of their own.
    """
    palette = colours(training.prior)
    adversarial = training[training.d_loss.notna()]
    without = training[training.d_loss.isna()]
    figure, axes = plt.subplots(
        2, 4 if len(without) else 3, figsize=(14 if len(without) else 11, 5.6), layout="constrained"
    )
    panels = {
        "discriminator loss": ["d_loss"],
        "generator loss": ["g_loss"],
        "logits (solid: real, dashed: fake)": ["real_logit", "fake_logit"],
        "|dL_G/dl|, slope of the generator's loss": ["loss_slope"],
        "norm of the generator's gradient": ["g_grad_norm"],
        "discriminator accuracy": ["d_accuracy"],
    }
    if len(without):
        panels |= {"loss of priors without a discriminator": ["g_loss"]}
    for panel, (title, columns) in zip(axes.flat, panels.items(), strict=False):
        rows = training if title == "norm of the generator's gradient" else adversarial
        for prior, history in by_prior(without if title.endswith("without a discriminator") else rows):
            for column, dash in zip(columns, ("-", "--"), strict=False):
                panel.plot(
                    history.epoch, history[column], dash, color=palette[prior], label=readable(prior), marker="."
                )
        panel.set_title(title)
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        if columns[0] in ("loss_slope", "g_grad_norm"):
            panel.set_yscale("log")
    for panel in axes.flat[len(panels) :]:
        panel.set_axis_off()
    if len(without):  # the gradient's panel has all priors, and the last one is empty
        axes.flat[-1].legend(*axes.flat[4].get_legend_handles_labels(), loc="center", title="priors")
    else:
        axes.flat[0].legend()
    return figure
