"""The study at a glance: what one prior draws, inverts, and restores from the middle condition of every task."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from stages.pipeline.artifacts import COMBINED
from stages.pipeline.numerics.pixels import to_float
from stages.report.study import Seen, Study
from stages.report.style import greyed, readable, show, side, tile
from stages.restoration.restored import POSTERIOR_MEAN, WHITENED

COLUMNS = 10  # images in a row


def draw(study: Study) -> dict[str, Figure]:
    prior = study.params.usual_prior
    samples = study.samples()[prior]
    tasks = [study.by_prior(task, prior) for task in study.params.tasks]
    return {"overview": overview(prior, samples[max(samples)], study.inverted(prior), tasks)}


def overview(prior: str, samples: np.ndarray, inverted: Seen, tasks: list[Seen]) -> Figure:
    """A row of images each: samples (64, C, S, S) uint8, test images, these inverted, and of each task what is seen."""
    test = inverted.observed.cell("test")
    count = min(COLUMNS, int(test.sum()), len(samples))
    rows = [
        (f"drawn by {readable(prior)}", to_float(samples)),
        ("test images", inverted.observed.images[test]),
        ("inverted", inverted.restored.images[WHITENED][test]),
    ]
    for seen in tasks:
        condition = seen.observed.conditions[len(seen.observed.conditions) // 2]
        cell = seen.observed.cell(condition)
        rows.append((f"{seen.observed.condition_name} {condition}", greyed(seen.observed)[cell]))
        rows += [(readable(method), seen.restored.images[method][cell]) for method in (POSTERIOR_MEAN, COMBINED)]
    edge = side(samples, 0.7)
    size = (edge * count + 1.2, edge * len(rows))
    figure, axes = plt.subplots(len(rows), 1, figsize=size, layout="compressed")
    for panel, (label, pictures) in zip(axes, rows, strict=True):
        show(panel, tile(pictures[:count], columns=count))
        panel.set_ylabel(label, rotation=0, ha="right", va="center")
    return figure
