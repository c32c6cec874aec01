"""All stages in one process, as stages.pipeline.in_order runs them, without what takes longest and changes no test.

Figures have no ticks and are neither laid out nor cut to what is drawn, which is most of drawing them, and
tests/report/figures looks at those that are. Rivals restore in this very process, which has loaded what they need.
BatchNorm's statistics of a generator are averages over fewer codes, which is most of training a tiny one. Few
validation images are there to choose settings on, which is most of what restores.
"""

from dataclasses import replace
from typing import Any

import matplotlib.axes
import matplotlib.axis
import matplotlib.layout_engine
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

import stages.priors.training
import stages.restoration.rival
from stages.pipeline import in_order, named
from stages.pipeline.storage import Writer
from stages.report import style


def quicken() -> None:
    """Change the stages that this process runs."""
    matplotlib.layout_engine.ConstrainedLayoutEngine.execute = lambda *_: None  # type: ignore[assignment,method-assign]
    matplotlib.axis.Axis.draw = lambda *_: None  # type: ignore[method-assign]
    matplotlib.axes.Axes._update_title_position = lambda *_: None  # type: ignore[attr-defined]  # above the ticks
    style.figure_writer = drawn_quickly
    stages.restoration.rival.map_in_processes = lambda function, items: [function(item) for item in items]
    stages.priors.training.BATCH_NORM_CODES = 2000
    for name in named.names(named.TASKS):
        task = named.module(named.TASKS, name)
        task.TASK = replace(task.TASK, tuning_images=4)  # type: ignore[attr-defined]


def drawn_quickly(figure: Figure) -> Writer:
    """A PNG of what lies within a figure's frame."""

    def write(file: Any) -> None:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        picture = np.asarray(canvas.buffer_rgba())[..., :3]
        plt.close(figure)
        Image.fromarray(picture).save(file, format="png", compress_level=1)

    return write


if __name__ == "__main__":
    quicken()
    in_order.main()
