"""Prepared images -> data/classifier/: a small classifier, the pipeline's own judge of digits."""

from stages.images.splits import load_split
from stages.judging.classifier import predict, train_classifier
from stages.pipeline.artifacts import CLASSIFIER
from stages.pipeline.command import no_arguments, say
from stages.pipeline.networks import network_writer
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.params import load_params
from stages.pipeline.storage import json_writer, publish


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    classifier = train_classifier(load_split("train"), params.classify, params.seed, compute)

    test = load_split("test")
    accuracy = float((predict(classifier, compute, to_float(test.images)) == test.labels).mean())
    say(f"classify: {accuracy:.2%} of the test images right")
    publish(
        {
            CLASSIFIER / "classifier.safetensors": network_writer(classifier),
            CLASSIFIER / "accuracy.json": json_writer({"test_accuracy": accuracy}),
        }
    )
