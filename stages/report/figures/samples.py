"""What the generators drew on the way."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from stages.pipeline.numerics.pixels import to_float
from stages.report.study import Study
from stages.report.style import colours, readable, show, tile


def draw(study: Study) -> dict[str, Figure]:
    return {"samples": sample_grids(study.samples())}


def sample_grids(samples: dict[str, dict[int, np.ndarray]]) -> Figure:
    """samples[prior][epoch] (64, C, H, W), uint8: a row a prior, a column an epoch, the same 64 codes in every grid."""
    epochs = sorted(next(iter(samples.values())))
    size = (2.4 * len(epochs), 2.5 * len(samples))
    palette = colours(samples)
    figure, axes = plt.subplots(len(samples), len(epochs), figsize=size, squeeze=False, layout="constrained")
    for row, (prior, grids) in zip(axes, samples.items(), strict=True):
        for panel, epoch in zip(row, epochs, strict=True):
            show(panel, to_float(tile(grids[epoch], columns=8)))
        row[0].set_ylabel(readable(prior), color=palette[prior], fontsize=11)
    for panel, epoch in zip(axes[0], epochs, strict=True):
        panel.set_title(f"epoch {epoch}")
    return figure
