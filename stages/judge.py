"""Trained priors, small GANs -> data/judged/: how close their images are to the test set, priors' epoch by epoch."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from stages.images.splits import load_split
from stages.judging.embedding import load_embedding
from stages.judging.fidelity import cloud, fidelity
from stages.judging.trunk import batches
from stages.pipeline import artifacts
from stages.pipeline.artifacts import NO_PRIOR
from stages.pipeline.command import no_arguments, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.priors.draw import draw_samples
from stages.priors.saturated import load_small_samples, run_of
from stages.priors.trained import load_samples


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    count = params.judge.samples
    test, small = load_split("test", params.data), load_small_samples("samples.npz")
    embedding = load_embedding(test.images, test.labels is not None, compute)
    of_test, _ = embedding.embed(batches(test.images))
    real, rows = cloud(of_test), list[Row]()

    def judge(prior: str, epoch: int | None, images: Iterable[np.ndarray]) -> None:
        row = fidelity(real, *embedding.embed(images), embedding.classes)
        rows.append({"prior": prior, "epoch": epoch} | row)
        say(f"judge: {', '.join(f'{name} {value}' for name, value in rows[-1].items() if value is not None)}")

    # The floor: real images that are not the test set.
    judge(NO_PRIOR, None, batches(load_split("train", params.data).images, count))
    for prior in params.priors:
        epochs = list(load_samples(prior))
        for epoch in epochs:
            judge(prior, epoch, draw_samples(prior, epoch, count, params.seed, compute))
        if prior in params.flows:  # fitted to the last generator
            own = artifacts.with_flow(prior)
            judge(own, epochs[-1], draw_samples(own, epochs[-1], count, params.seed, compute))
    # As many real images as each small GAN drew, or fewer of both; at random, since a test set may be sorted.
    as_many = min(len(next(iter(small.values()))), len(of_test))
    few = cloud(of_test[numpy_stream(params.seed, "judge", "few").permutation(len(of_test))[:as_many]])
    of_small = []
    for name, drawn in small.items():
        of_drawn, _ = embedding.embed([to_float(drawn[:as_many])])
        of_small.append(run_of(name) | fidelity(few, of_drawn, None, None))
    publish(
        {
            artifacts.FIDELITY: table_writer(pd.DataFrame(rows).astype({"epoch": "Int64"})),
            artifacts.SMALL_FIDELITY: table_writer(of_small),
        }
    )
