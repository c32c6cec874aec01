"""Prepared images -> data/models/<loss>/: one GAN trained with one loss, its history, its generators on the way."""

from pathlib import Path

import torch

from stages.gan.networks import save_network
from stages.gan.training import TrainedGan, train
from stages.pipeline.artifacts import MODELS, PREPARED, load_split, save_arrays, save_table
from stages.pipeline.checkpoint import locked_checkpoint, run_key
from stages.pipeline.command import loss_argument, run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.params import load_params

# What a half-trained GAN depends on beside its settings and images: with other source it starts afresh.
SOURCE = [
    Path("stages/gan/losses.py"),
    Path("stages/gan/networks.py"),
    Path("stages/gan/training.py"),
    Path("stages/pipeline/checkpoint.py"),
    Path("stages/pipeline/compute.py"),
    Path("stages/pipeline/seeding.py"),
]


def main() -> None:
    params = load_params()
    loss = loss_argument(__doc__, params.losses)
    compute = choose_compute()
    images, _ = load_split("train")
    say(f"train: {loss} on {len(images)} images: {compute}")
    settings = {"loss": loss, "seed": params.seed} | params.train.model_dump()
    key = run_key(settings | {"compute": str(compute), "torch": torch.__version__}, [PREPARED / "train.npz", *SOURCE])
    with locked_checkpoint(f"train-{loss}", key) as checkpoint:
        gan = train(images, compute=compute, checkpoint=checkpoint, **settings)
        save(gan, MODELS / loss)
        checkpoint.clear()


def save(gan: TrainedGan, folder: Path) -> None:
    for epoch, generator in gan.generators.items():
        save_network(folder / f"generator_{epoch}.safetensors", generator)
    save_network(folder / "generator.safetensors", gan.generators[max(gan.generators)])  # what is searched from now on
    save_network(folder / "discriminator.safetensors", gan.discriminator)
    save_table(folder / "history.csv", gan.history)
    save_arrays(folder / "samples.npz", {f"epoch_{epoch}": images for epoch, images in gan.samples.items()})


if __name__ == "__main__":
    run(main)
