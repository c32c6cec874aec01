"""The classifier learns what can be learned, and comes back from its file the same."""

import numpy as np
import torch

from stages.gan.classifier import load_predictor, train_classifier
from stages.gan.networks import save_network


def test_it_learns_bright_from_dark_and_survives_its_file(exact, tmp_path):
    stream = np.random.default_rng(0)
    labels = stream.integers(0, 2, size=200, dtype=np.uint8)
    images = (labels[:, None, None, None] * 128 + stream.integers(0, 100, size=(200, 1, 28, 28))).astype(np.uint8)
    settings = {"seed": 0, "epochs": 3, "batch_size": 20, "learning_rate": 0.001, "compute": exact}
    classifier = train_classifier(images, labels, **settings)
    save_network(tmp_path / "c.safetensors", classifier)
    predicted = load_predictor(tmp_path / "c.safetensors", exact)(images.astype(np.float32) / 255)
    assert (predicted == labels).mean() > 0.95

    again = train_classifier(images, labels, **settings)
    assert all(torch.equal(a, b) for a, b in zip(classifier.parameters(), again.parameters(), strict=True))
