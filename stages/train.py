"""Prepared images -> data/models/<loss>/: one GAN trained with one loss, its history and its samples."""

from stages.gan.networks import save_network
from stages.gan.training import train
from stages.pipeline.artifacts import MODELS, load_split, save_arrays, save_table
from stages.pipeline.command import loss_argument, run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.params import load_params


def main() -> None:
    params = load_params()
    loss = loss_argument(__doc__, params.losses)
    compute = choose_compute()
    images, _ = load_split("train")
    say(f"train: {loss} on {len(images)} images: {compute}")
    gan = train(images, loss=loss, seed=params.seed, compute=compute, **dict(params.train))

    folder = MODELS / loss
    save_network(folder / "generator.safetensors", gan.generator)
    save_network(folder / "discriminator.safetensors", gan.discriminator)
    save_table(folder / "history.csv", gan.history)
    save_arrays(folder / "samples.npz", {f"epoch_{epoch}": images for epoch, images in gan.samples.items()})


if __name__ == "__main__":
    run(main)
