"""With the most missing pixels: the mean, the spread, and what several chains think the image was."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from stages.pipeline.numerics.pixels import to_float
from stages.report.shades import MOST_UNCERTAIN, uncertainty
from stages.report.study import Seen, Study
from stages.report.style import greyed, readable, show, side, tile
from stages.restoration.restored import POSTERIOR_MEAN


def draw(study: Study) -> dict[str, Figure]:
    """Of the first task that hides pixels; of none if there is no such task."""
    prior = study.params.default_prior
    for task in study.params.tasks:
        if study.observed(task).hidden is not None:
            return {"completions": completion_panels(prior, study.by_prior(task, prior))}
    return {}


def completion_panels(prior: str, seen: Seen, each: int = 4, draws: int = 5) -> Figure:
    """A row an image under the last condition: seen, mean, spread, and what several chains think it was."""
    observed, spread = seen.observed, seen.restored.spread
    condition = observed.conditions[-1]
    picked = np.flatnonzero(observed.cell(condition))[:each]
    draws = min(draws, spread["completions"].shape[1])
    columns = {
        "original": observed.images[picked],
        "observed": greyed(observed)[picked],
        "posterior mean": seen.restored.images[POSTERIOR_MEAN][picked],
        "standard deviation": uncertainty(spread["posterior_std"][picked]),
    } | {f"chain {number + 1}": to_float(spread["completions"][picked, number]) for number in range(draws)}
    inches = side(observed.images, 1.25)
    size = (inches * len(columns), (inches + 0.05) * len(picked))
    figure, axes = plt.subplots(len(picked), len(columns), figsize=size, squeeze=False, layout="constrained")
    for row, index in zip(axes, range(len(picked)), strict=True):
        for panel, (title, pictures) in zip(row, columns.items(), strict=True):
            show(panel, tile(pictures[index : index + 1], columns=1))
            if index == 0:
                panel.set_title(title, fontsize=8)
    for row, index in zip(axes, picked, strict=True):
        for panel, weight in zip(row[4:], spread["chain_weights"][index], strict=False):
            panel.set_xlabel(f"{100 * weight:.0f}%", fontsize=7, labelpad=1)
    figure.suptitle(
        f"{readable(prior)}, {observed.condition_name} {condition}; white: a standard deviation of {MOST_UNCERTAIN:g}",
        fontsize=9,
    )
    return figure
