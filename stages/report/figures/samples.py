"""What the generators drew on the way."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from stages.pipeline.numerics.pixels import to_float
from stages.report.study import Study
from stages.report.style import colours, readable, show, side, tile

WIDTH = 2.4  # inches of a grid


def draw(study: Study) -> dict[str, Figure]:
    return {"samples": sample_grids(study.samples())}


def sample_grids(samples: dict[str, dict[int, np.ndarray]]) -> Figure:
    """samples[prior][epoch] (64, C, H, W), uint8: a row a prior, a column an epoch, the same codes in every grid.

    All 64 where they are small, else as many of the first as can be seen.
    """
    epochs = sorted(next(iter(samples.values())))
    images = next(iter(samples.values()))[epochs[0]]
    columns = next((count for count in (8, 4, 2) if side(images, 0, dots=1) * count <= WIDTH), 1)
    size = (WIDTH * len(epochs), (WIDTH + 0.1) * len(samples))
    palette = colours(samples)
    figure, axes = plt.subplots(len(samples), len(epochs), figsize=size, squeeze=False, layout="constrained")
    for row, (prior, grids) in zip(axes, samples.items(), strict=True):
        for panel, epoch in zip(row, epochs, strict=True):
            show(panel, to_float(tile(grids[epoch][: columns**2], columns)))
        row[0].set_ylabel(readable(prior), color=palette[prior], fontsize=11)
    for panel, epoch in zip(axes[0], epochs, strict=True):
        panel.set_title(f"epoch {epoch}")
    return figure
