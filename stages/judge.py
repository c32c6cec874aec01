"""Generators -> data/judged/fidelity.csv: how close their images are to the test set, from epoch to epoch."""

import pandas as pd
import torch

from stages.gan.classifier import Classifier, embed
from stages.gan.fidelity import class_statistics, frechet_distance, precision_recall_density_coverage
from stages.gan.networks import Generator, load_network
from stages.pipeline.artifacts import CLASSIFIER, JUDGED, MODELS, load_samples, load_split, save_table
from stages.pipeline.command import run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import to_float
from stages.pipeline.params import load_params
from stages.pipeline.seeding import torch_stream


def main() -> None:
    params, compute = load_params(), choose_compute()
    classifier = compute.place(load_network(Classifier, CLASSIFIER))

    def features(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cloud, labels = embed(classifier, compute.place(images))
        return cloud.cpu().double(), labels  # double: distances within a collapsed cloud are differences of near equals

    real, _ = features(torch.from_numpy(to_float(load_split("test")[0])))
    rows = []

    def judge(loss: str, epoch: int | None, images: torch.Tensor) -> None:
        fake, labels = features(images)
        rows.append(
            {"loss": loss, "epoch": epoch, "frechet_distance": frechet_distance(real, fake)}
            | precision_recall_density_coverage(real, fake)
            | class_statistics(labels.cpu().numpy(), classifier.shape["classes"])
        )
        say(f"judge: {', '.join(f'{name} {value}' for name, value in rows[-1].items() if value is not None)}")

    # The floor: real images that are not the test set.
    judge("none", None, torch.from_numpy(to_float(load_split("train")[0][: params.judge.samples])))
    for loss in params.losses:
        for epoch in load_samples(loss):
            generator = compute.place(load_network(Generator, MODELS / loss / f"generator_{epoch}.safetensors"))
            size = (params.judge.samples, generator.shape["latent_dim"])
            codes = torch.randn(size, generator=torch_stream(params.seed, "judge codes"))
            judge(loss, epoch, torch.cat([generator(compute.place(batch)) for batch in codes.split(1000)]))
    save_table(JUDGED, pd.DataFrame(rows).astype({"epoch": "Int64"}))


if __name__ == "__main__":
    run(main)
