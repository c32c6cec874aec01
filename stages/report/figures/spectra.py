"""Power of images, and what of it inversion loses, by frequency."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from stages.report.study import Study
from stages.report.style import CYCLES, GREY, by_prior, colours, readable
from stages.restoration.restored import WHITENED


def draw(study: Study) -> dict[str, Figure]:
    return {"spectra": spectra_figure(study.table("spectra"))}


def spectra_figure(spectra: pd.DataFrame, method: str = WHITENED) -> Figure:
    """A column a source: power of the images and of what one method's inversions leave of them, and their ratio."""
    palette = colours(spectra.prior)
    spectra = spectra[spectra.method == method]
    sources = list(spectra.source.unique())
    size = (3.5 * len(sources), 5.6)
    figure, axes = plt.subplots(
        2, len(sources), figsize=size, sharex=True, sharey="row", squeeze=False, layout="constrained"
    )
    for (power, share), source in zip(axes.T, sources, strict=True):
        share.axhline(1, color=GREY, linestyle=":")
        for number, (prior, rows) in enumerate(by_prior(spectra[spectra.source == source])):
            if source == "generated":  # each generator's own images
                power.plot(rows.frequency, rows.image_power, ":", color=palette[prior])
            elif number == 0:  # the same images for every prior
                power.plot(rows.frequency, rows.image_power, ":", color="black")
            power.plot(rows.frequency, rows.residual_power, "-", color=palette[prior])
            share.plot(rows.frequency, rows.residual_share, "-", color=palette[prior], label=readable(prior))
        power.set_title(f"{source} images")
        share.set_xlabel(CYCLES)
    for row in axes:
        row[0].set_yscale("log")
    axes[0, 0].set_ylabel("power a coefficient\ndotted: image, solid: residual")
    axes[1, 0].set_ylabel(f"share of the power lost\n{method}, dotted: all of it")
    axes[1, 0].yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")  # 0.001% too
    axes[1, 0].legend()
    return figure
