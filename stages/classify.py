"""Prepared images -> data/classifier/: a classifier of the labels, or without labels an autoencoder."""

import numpy as np

from stages.images.splits import load_split
from stages.judging.autoencoder import train_denoiser
from stages.judging.classifier import train_classifier
from stages.judging.embedding import CLASSIFIER_FILE, DENOISER_FILE, Embedding
from stages.judging.trunk import batches
from stages.pipeline.artifacts import CLASSIFIER
from stages.pipeline.command import no_arguments, say
from stages.pipeline.networks import network_writer
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import Writer, json_writer, publish_folder


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    train, test = (load_split(name, params.data) for name in ("train", "test"))
    files: dict[str, Writer] = {}
    accuracy = {}
    if train.labels is None:
        say("classify: the images have no labels: an autoencoder gives the features by which generators are judged")
        denoiser = train_denoiser(train.images, params.classify, params.seed, compute)
        files[DENOISER_FILE] = network_writer(denoiser)
    else:
        classifier = train_classifier(train, params.classify, params.seed, compute)
        _, seen = Embedding(classifier, compute).embed(batches(test.images))
        accuracy["test_accuracy"] = float(np.mean(seen == test.labels))
        say(f"classify: {accuracy['test_accuracy']:.2%} of the test images right")
        files[CLASSIFIER_FILE] = network_writer(classifier)
    # Whichever network an earlier study left is removed.
    publish_folder(CLASSIFIER, ".safetensors", files | {"accuracy.json": json_writer(accuracy)})
