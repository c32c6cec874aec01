"""How much of the signal and of the noise a restoration lets pass, by frequency."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from stages.report.study import Study
from stages.report.style import CYCLES, GREY, colours, readable
from stages.restoration.restored import MAP


def draw(study: Study) -> dict[str, Figure]:
    """Of noisy images; nothing where no task has noise."""
    if not any(study.observed(task).is_noisy for task in study.params.tasks):
        return {}
    transfer, noise = (study.table(name) for name in ("transfer", "noise"))
    own = study.priors  # without their flows
    return {"transfer": transfer_figure(transfer[transfer.prior.isin(own)], noise[noise.prior.isin(own)])}


def transfer_figure(transfer: pd.DataFrame, noise: pd.DataFrame, method: str = MAP, levels: int = 3) -> Figure:
    """A panel a prior: how much of signal (solid) and noise (dashed) one method passes, at some noise levels.

    Dotted: the share of the noise that a projection on any latent_dim dimensions passes.
    """
    palette = colours(transfer.prior)
    transfer, noise = transfer[transfer.method == method], noise[noise.method == method]
    sigmas = np.unique(transfer.sigma)
    sigmas = sigmas[np.unique(np.linspace(0, len(sigmas) - 1, levels).round().astype(int))]
    shades = np.linspace(1, 0.35, len(sigmas))
    priors = list(transfer.prior.unique())
    columns = min(len(priors), 3)
    rows = math.ceil(len(priors) / columns)
    size = (3.3 * columns + 1.9, 3.6 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False, layout="constrained")
    for panel in axes.flat[len(priors) :]:
        panel.set_axis_off()
    for panel, prior in zip(axes.flat, priors, strict=False):
        for shade, sigma in zip(shades, sigmas, strict=True):
            gains = transfer[(transfer.prior == prior) & (transfer.sigma == sigma)]
            panel.plot(gains.frequency, gains.signal_gain, "-", color=palette[prior], alpha=shade)
            panel.plot(gains.frequency, gains.noise_gain, "--", color=palette[prior], alpha=shade)
        panel.axhline(noise[noise.prior == prior].linear_gain.iloc[0], color="black", linestyle=":", linewidth=1)
        panel.set_title(readable(prior), color=palette[prior])
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_xlabel(CYCLES)
    for first in axes[:, 0]:
        first.set_ylabel(f"share that passes, {method}")
    axes[0, 0].yaxis.set_major_formatter(PercentFormatter(1))
    axes[0, 0].set_ylim(bottom=0)
    grey = GREY
    handles = [Line2D([], [], color=grey, alpha=shade, lw=4) for shade in shades]
    handles += [Line2D([], [], color=grey, linestyle=dash) for dash in ("-", "--")]
    handles += [Line2D([], [], color="black", linestyle=":", linewidth=1)]
    texts = [f"sigma {sigma:g}" for sigma in sigmas] + ["signal", "noise", "noise, projected on\nlatent_dim dimensions"]
    figure.legend(handles, texts, loc="outside right center")
    return figure
