"""Least squares behind a sigmoid, in real training: `python -m tests.benchmarks.sigmoid`.

Run after `dvc repro`. Small GANs as in `saturate_grid`, with the same starts and images, for this objective alone.
data/long_runs/sigmoid.csv gets the columns of metrics/saturation_grid.csv.
"""

import pandas as pd

from stages.images.splits import load_split
from stages.judging.embedding import load_embedding
from stages.judging.fidelity import cloud, fidelity
from stages.judging.trunk import batches
from stages.pipeline import artifacts
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.pipeline.threads import map_in_threads
from stages.priors.saturated import count_saturated
from stages.priors.small_gans import Cell, Run, train_small

TABLE = artifacts.LONG_RUNS / "sigmoid.csv"
OBJECTIVE = "least_squares_on_sigmoid"


def main() -> None:
    params, compute = load_params(), choose_compute()
    settings = params.saturate_grid
    train, test = (load_split(split, params.data) for split in ("train", "test"))
    runs = [
        Run(Cell(OBJECTIVE, steps, optimiser, batch_norm), number, train.images, settings, params.train, params.seed)
        for steps in settings.discriminator_steps
        for optimiser in settings.optimisers
        for batch_norm in settings.batch_norm
        for number in range(settings.seeds)
    ]
    outcomes = map_in_threads(train_small, runs)

    embedding = load_embedding(test.images, test.labels is not None, compute)
    of_test, _ = embedding.embed(batches(test.images))
    as_many = min(settings.samples, len(of_test))
    few = cloud(of_test[numpy_stream(params.seed, "judge", "few").permutation(len(of_test))[:as_many]])  # as `judge`
    histories, quality = [], []
    for run, own in zip(runs, outcomes, strict=True):
        drawn, _ = embedding.embed([to_float(own.samples[:as_many])])
        quality.append(run.words() | fidelity(few, drawn, None, None))
        histories += [run.words() | row for row in own.history]
    counted = count_saturated(pd.DataFrame(histories), pd.DataFrame(quality), params.saturated)
    publish({TABLE: table_writer(counted)})


if __name__ == "__main__":
    main()
