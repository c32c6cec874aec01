"""Which norm restores best from which corruption."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.report.study import Study
from stages.restoration.norm_names import norm_method


def draw(study: Study) -> dict[str, Figure]:
    return {"norms": norm_heatmap(study.table("norms"))}


def norm_heatmap(norms: pd.DataFrame) -> Figure:
    """PSNR of every norm, without and with the prior, under every corruption; the best of each column in bold."""
    corruptions = list(norms.corruption.unique())
    rows = list(norms[["norm", "with_prior"]].drop_duplicates().itertuples(index=False, name=None))
    cells = norms.set_index(["norm", "with_prior", "corruption"]).psnr
    scores = np.array([[cells[norm, prior, corruption] for corruption in corruptions] for norm, prior in rows])
    behind = scores - scores.max(axis=0)  # of the best in the column
    figure, axes = plt.subplots(figsize=(1.05 * len(corruptions) + 1.6, 0.42 * len(rows) + 1), layout="constrained")
    axes.imshow(behind, cmap="YlGn", vmin=-6, vmax=4, aspect="auto")  # short of the greens too dark to read on
    for (row, column), score in np.ndenumerate(scores):
        bold = "bold" if behind[row, column] == 0 else "normal"
        axes.text(column, row, f"{score:.1f}", ha="center", va="center", fontweight=bold, fontsize=8)
    axes.set_xticks(range(len(corruptions)), [name.replace("_", "\n") for name in corruptions], fontsize=8)
    axes.set_yticks(range(len(rows)), [norm_method(*row) for row in rows], fontsize=8)
    axes.xaxis.tick_top()
    axes.grid(False)
    axes.set_xlabel("PSNR, dB: of the whole image, under windows of the hidden pixels; colour: dB behind the best")
    return figure
