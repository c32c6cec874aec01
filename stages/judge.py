"""Trained priors -> data/judged/fidelity.csv: how close their images are to the test set, from epoch to epoch."""

import numpy as np
import pandas as pd
import torch

from stages.images.splits import load_split
from stages.judging.classifier import embed, load_classifier
from stages.judging.fidelity import fidelity
from stages.pipeline import artifacts
from stages.pipeline.artifacts import NO_PRIOR
from stages.pipeline.command import no_arguments, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.params import load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.priors.draw import draw_samples
from stages.priors.trained import load_samples


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    test = load_split("test").images
    classifier = load_classifier(compute, test)

    def features(images: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
        cloud, labels = embed(classifier, compute.place(torch.from_numpy(images)))
        # Double, since distances within a collapsed cloud are differences of near equals.
        return cloud.cpu().double(), labels.cpu().numpy()

    real, _ = features(to_float(test))
    rows: list[Row] = []

    def judge(prior: str, epoch: int | None, images: np.ndarray) -> None:
        row = fidelity(real, *features(images), classifier.arguments["classes"])
        rows.append({"prior": prior, "epoch": epoch} | row)
        say(f"judge: {', '.join(f'{name} {value}' for name, value in rows[-1].items() if value is not None)}")

    # The floor: real images that are not the test set.
    judge(NO_PRIOR, None, to_float(load_split("train").images[: params.judge.samples]))
    for prior in params.priors:
        for epoch in load_samples(prior):
            judge(prior, epoch, draw_samples(prior, epoch, params.judge.samples, params.seed, compute))
    publish({artifacts.FIDELITY: table_writer(pd.DataFrame(rows).astype({"epoch": "Int64"}))})
