"""Raw MNIST -> data/prepared/: uint8 images and labels, split into train, validation and test."""

from stages.pipeline.artifacts import PREPARED, RAW, save_arrays
from stages.pipeline.command import run, say
from stages.pipeline.mnist import load_mnist
from stages.pipeline.params import load_params
from stages.pipeline.seeding import numpy_stream


def main() -> None:
    params = load_params()
    raw = load_mnist(RAW)
    images, labels = raw["train"]

    order = numpy_stream(params.seed, "split").permutation(len(images))
    held_out, kept = order[: params.prepare.validation], order[params.prepare.validation :]
    splits = {"train": (images[kept], labels[kept]), "validation": (images[held_out], labels[held_out])}
    for name, (split_images, split_labels) in (splits | {"test": raw["test"]}).items():
        save_arrays(PREPARED / f"{name}.npz", {"images": split_images, "labels": split_labels})
        say(f"prepare: {name}: {len(split_images)} images of {split_images.shape[1:]}")


if __name__ == "__main__":
    run(main)
