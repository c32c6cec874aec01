"""Whether small GANs stay saturated when they are trained for longer: `python -m tests.benchmarks.longer_small_gans`.

Run after `dvc repro`. Small GANs as in `saturate_grid`, with the same starts and images, for those cells that have
BatchNorm in the discriminator, but with more generator steps. They are judged as if each had been stopped after so many
steps: data/long_runs/longer_small_gans.csv has a row for each cell and number of steps, with how many seeds saturated
and the medians of the gradient's ratio and of the slope.
"""

import pandas as pd

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.params import load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.pipeline.threads import map_in_threads
from stages.priors.saturated import CELL, judge_run
from stages.priors.small_gans import Run, cells, train_small

TABLE = artifacts.LONG_RUNS / "longer_small_gans.csv"
STOPS = (50, 100, 150, 200, 300, 400)  # generator steps


def main() -> None:
    params = load_params()
    settings = params.saturate_grid.model_copy(update={"generator_steps": STOPS[-1], "batch_norm": [True]})
    images = load_split("train", params.data).images
    runs = [
        Run(cell, number, images, settings, params.train, params.seed)
        for cell in cells(settings)
        for number in range(settings.seeds)
    ]
    rows: list[Row] = []
    for run, outcome in zip(runs, map_in_threads(train_small, runs), strict=True):
        for steps in STOPS:
            judged = judge_run(pd.DataFrame(outcome.history[:steps]), params.saturated)
            rows.append(run.words() | {"generator_steps": steps} | {str(name): value for name, value in judged.items()})
    by_cell = pd.DataFrame(rows).groupby([*CELL, "generator_steps"], sort=False)
    columns = {"seeds": ("seed", "count"), "saturated": ("saturated", "sum")}
    medians = {name: (name, "median") for name in ("gradient_ratio", "loss_slope")}
    publish({TABLE: table_writer(by_cell.agg(**columns, **medians).reset_index())})


if __name__ == "__main__":
    main()
