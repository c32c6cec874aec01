"""Figures of what survives: power lost by frequency, signal and noise that pass, errors by kind of image and place."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from stages.figures.style import COLOURS, NAMES

CYCLES = "frequency, cycles per image side"


def spectra_figure(spectra: pd.DataFrame, method: str = "whitened") -> Figure:
    """A column a source: power of the images and of what one method's inversions leave of them, and their ratio."""
    spectra = spectra[spectra.method == method]
    sources = list(spectra.source.unique())
    size = (3.5 * len(sources), 5.6)
    figure, axes = plt.subplots(
        2, len(sources), figsize=size, sharex=True, sharey="row", squeeze=False, layout="constrained"
    )
    for (power, share), source in zip(axes.T, sources, strict=True):
        share.axhline(1, color=COLOURS["none"], linestyle=":")
        for number, (loss, rows) in enumerate(spectra[spectra.source == source].groupby("loss", sort=False)):
            if source == "generated":  # each generator's own images
                power.plot(rows.frequency, rows.image_power, ":", color=COLOURS[loss])
            elif number == 0:  # the same images for every loss
                power.plot(rows.frequency, rows.image_power, ":", color="black")
            power.plot(rows.frequency, rows.residual_power, "-", color=COLOURS[loss])
            share.plot(rows.frequency, rows.residual_share, "-", color=COLOURS[loss], label=NAMES[loss])
        power.set_title(f"{source} images")
        share.set_xlabel(CYCLES)
    for row in axes:
        row[0].set_yscale("log")
    axes[0, 0].set_ylabel("power a coefficient\ndotted: image, solid: residual")
    axes[1, 0].set_ylabel(f"share of the power lost\n{method}, dotted: all of it")
    axes[1, 0].yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")  # 0.001% too
    axes[1, 0].legend()
    return figure


def transfer_figure(transfer: pd.DataFrame, noise: pd.DataFrame, method: str = "map", levels: int = 3) -> Figure:
    """A panel a loss: how much of the signal (solid) and of the noise (dashed) one method passes, at some noise levels.

    The dotted line is what projecting on as many dimensions as the latent space has, whichever, passes of the noise.
    """
    transfer, noise = transfer[transfer.method == method], noise[noise.method == method]
    sigmas = np.unique(transfer.sigma)
    sigmas = sigmas[np.unique(np.linspace(0, len(sigmas) - 1, levels).round().astype(int))]
    shades = np.linspace(1, 0.35, len(sigmas))
    losses = list(transfer.loss.unique())
    size = (3.3 * len(losses) + 1.9, 3.6)
    figure, axes = plt.subplots(1, len(losses), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for panel, loss in zip(axes[0], losses, strict=True):
        for shade, sigma in zip(shades, sigmas, strict=True):
            rows = transfer[(transfer.loss == loss) & (transfer.sigma == sigma)]
            panel.plot(rows.frequency, rows.signal_gain, "-", color=COLOURS[loss], alpha=shade)
            panel.plot(rows.frequency, rows.noise_gain, "--", color=COLOURS[loss], alpha=shade)
        panel.axhline(noise[noise.loss == loss].linear_gain.iloc[0], color="black", linestyle=":", linewidth=1)
        panel.set_title(NAMES[loss], color=COLOURS[loss])
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_xlabel(CYCLES)
    axes[0, 0].set_ylabel(f"share that passes, {method}")
    axes[0, 0].yaxis.set_major_formatter(PercentFormatter(1))
    axes[0, 0].set_ylim(bottom=0)
    grey = COLOURS["none"]
    handles = [Line2D([], [], color=grey, alpha=shade, lw=4) for shade in shades]
    handles += [Line2D([], [], color=grey, linestyle=dash) for dash in ("-", "--")]
    handles += [Line2D([], [], color="black", linestyle=":", linewidth=1)]
    texts = [f"sigma {sigma:g}" for sigma in sigmas] + ["signal", "noise", "noise, projected on\nlatent_dim dimensions"]
    figure.legend(handles, texts, loc="outside right center")
    return figure


def features_figure(features: pd.DataFrame, traits: pd.DataFrame, method: str = "whitened") -> Figure:
    """Real images and one method: PSNR by digit and by thickness of strokes, where errors sit, which traits stay."""
    features = features[(features.method == method) & (features.source == "real")]
    traits = traits[(traits.method == method) & (traits.source == "real")]
    digits, thickness, place = (features[features.feature == name] for name in ("class", "thickness", "place"))
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained")
    (by_digit, by_thickness), (by_place, by_trait) = axes

    _scores(by_digit, digits, "digit")
    by_digit.set_xticks(sorted(digits.value.astype(int).unique()))
    _scores(by_thickness, thickness, "thickness of strokes, pixels")
    by_digit.sharey(by_thickness)

    area = place.drop_duplicates("value").assign(loss="none", share_of_error=lambda rows: rows.share_of_pixels)
    _bars(by_place, pd.concat([area, place]), "value", "share_of_error")
    by_place.set_ylabel("share of squared error (grey: of pixels)")
    _bars(by_trait, traits, "trait", "kept")
    by_trait.set_ylabel(f"kept by inversion, {method}")
    by_thickness.legend(loc="center right")
    return figure


def _scores(axes: plt.Axes, rows: pd.DataFrame, label: str) -> None:
    """PSNR with its 95 % interval against the value of a feature, the losses side by side."""
    losses = list(rows.loss.unique())
    values = np.sort(rows.value.astype(float).unique())
    step = np.diff(values).min(initial=1.0) / (4 * len(losses))
    for number, loss in enumerate(losses):
        cell = rows[rows.loss == loss]
        low, high = cell.psnr - cell.psnr_low, cell.psnr_high - cell.psnr
        x = cell.value.astype(float) + step * (number - (len(losses) - 1) / 2)
        axes.errorbar(x, cell.psnr, (low, high), fmt=".", color=COLOURS[loss], label=NAMES[loss])
    axes.set_xlabel(label)
    axes.set_ylabel("PSNR, dB")


def _bars(axes: plt.Axes, rows: pd.DataFrame, group: str, height: str) -> None:
    """Shares from 0 to 1: a group of bars for each value of `group`, a bar for each loss; what is below 0 has none."""
    groups, losses = list(rows[group].unique()), list(rows.loss.unique())
    width = 0.8 / len(losses)
    for number, loss in enumerate(losses):
        heights = rows[rows.loss == loss].set_index(group)[height].reindex(groups)
        x = np.arange(len(groups)) + width * (number - (len(losses) - 1) / 2)
        bars = axes.bar(x, heights.clip(lower=0), width, color=COLOURS[loss])
        axes.bar_label(bars, ["" if np.isnan(share) else f"{100 * share:.0f}" for share in heights], fontsize=7)
    axes.set_xticks(range(len(groups)), groups)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylim(0, 1.05)
    axes.grid(False, axis="x")
