"""Figures of training: how losses, logits and gradients went, and what the generators drew on the way."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.figures.style import COLOURS, NAMES, show, tile


def training_curves(training: pd.DataFrame) -> Figure:
    """Six small panels against the epoch: each loss a colour; real logits solid, fake ones dashed."""
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
        for loss, history in training.groupby("loss", sort=False):
            for column, dash in zip(columns, ("-", "--"), strict=False):
                panel.plot(history.epoch, history[column], dash, color=COLOURS[loss], label=NAMES[loss], marker=".")
        panel.set_title(title)
        panel.set_xlabel("epoch")
        if columns[0] in ("loss_slope", "g_grad_norm"):
            panel.set_yscale("log")
    axes[0, 0].legend()
    return figure


def fidelity_curves(fidelity: pd.DataFrame) -> Figure:
    """Six small panels against the epoch: each loss a colour, a dotted line for training images in place of fakes."""
    figure, axes = plt.subplots(2, 3, figsize=(11, 5.6), layout="constrained")
    panels = {
        "frechet_distance": "Frechet distance to test images",
        "precision": "precision: fakes that look real",
        "recall": "recall: real images within the fakes' reach",
        "class_entropy": "entropy of the classes drawn, nats",
        "density": "density: real neighbourhoods around a fake",
        "coverage": "coverage: real neighbourhoods with a fake",
    }
    (floor,) = fidelity[fidelity.loss == "none"].itertuples()
    generated = fidelity[fidelity.loss != "none"]
    for panel, (column, title) in zip(axes.flat, panels.items(), strict=True):
        panel.axhline(getattr(floor, column), color=COLOURS["none"], linestyle=":", label="training images")
        for loss, rows in generated.groupby("loss", sort=False):
            panel.plot(rows.epoch, rows[column], "-", color=COLOURS[loss], label=NAMES[loss], marker=".")
        panel.set_title(title)
        panel.set_xlabel("epoch")
    axes[0, 0].set_yscale("log")
    axes[0, 0].legend()
    return figure


def sample_grids(samples: dict[str, dict[int, np.ndarray]]) -> Figure:
    """samples[loss][epoch] (64, C, H, W), uint8: a row a loss, a column an epoch, the same 64 codes in every grid."""
    epochs = sorted(next(iter(samples.values())))
    size = (2.4 * len(epochs), 2.5 * len(samples))
    figure, axes = plt.subplots(len(samples), len(epochs), figsize=size, squeeze=False, layout="constrained")
    for row, (loss, grids) in zip(axes, samples.items(), strict=True):
        for panel, epoch in zip(row, epochs, strict=True):
            show(panel, tile(grids[epoch], columns=8) / 255)
        row[0].set_ylabel(NAMES[loss], color=COLOURS[loss], fontsize=11)
    for panel, epoch in zip(axes[0], epochs, strict=True):
        panel.set_title(f"epoch {epoch}")
    return figure
