"""Prepared images -> data/classifier/: a small classifier, the pipeline's own judge of digits."""

from stages.gan.classifier import load_predictor, train_classifier
from stages.gan.networks import save_network
from stages.pipeline.artifacts import CLASSIFIER, load_split, save_json
from stages.pipeline.command import run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import to_float
from stages.pipeline.params import load_params


def main() -> None:
    params, compute = load_params(), choose_compute()
    classifier = train_classifier(*load_split("train"), seed=params.seed, compute=compute, **dict(params.classify))
    save_network(CLASSIFIER, classifier)

    test_images, test_labels = load_split("test")
    accuracy = float((load_predictor(CLASSIFIER, compute)(to_float(test_images)) == test_labels).mean())
    say(f"classify: {accuracy:.2%} of the test images right")
    save_json(CLASSIFIER.with_name("accuracy.json"), {"test_accuracy": accuracy})


if __name__ == "__main__":
    run(main)
