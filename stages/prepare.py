"""An image set -> data/prepared/: uint8 images and labels, split into train, validation and test."""

from stages.images.source import load_source
from stages.images.splits import Split, save_splits
from stages.pipeline.command import no_arguments, say
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import load_params


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    sets = load_source(params.data.name).read()
    train = sets["train"]

    order = numpy_stream(params.seed, "split").permutation(len(train.images))
    held_out, kept = order[: params.data.validation], order[params.data.validation :]
    splits = {
        "train": Split(train.images[kept], train.labels[kept]),
        "validation": Split(train.images[held_out], train.labels[held_out]),
        "test": sets["test"],
    }
    save_splits(splits)
    for name, split in splits.items():
        say(f"prepare: {name}: {len(split.images)} images of {split.images.shape[1:]}")
