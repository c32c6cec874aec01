"""The classifier learns what can be learned, comes back from its file the same, and judges images of its size alone."""

import numpy as np
import pytest
import torch

from stages.images.splits import Split
from stages.judging import classifier as module
from stages.judging.classifier import Classifier, embed, load_classifier, predict, train_classifier
from stages.pipeline.errors import UserError
from stages.pipeline.networks import network_writer
from stages.pipeline.params import Classify
from stages.pipeline.storage import publish


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CLASSIFIER", tmp_path)
    return tmp_path / "classifier.safetensors"


def test_it_learns_bright_from_dark_and_survives_its_file(exact, file):
    stream = np.random.default_rng(0)
    labels = stream.integers(0, 2, size=200, dtype=np.uint8)
    images = (labels[:, None, None, None] * 128 + stream.integers(0, 100, size=(200, 1, 28, 28))).astype(np.uint8)
    split, settings = Split(images, labels), Classify(epochs=3, batch_size=20, learning_rate=0.001)
    classifier = train_classifier(split, settings, 0, exact)
    publish({file: network_writer(classifier)})
    predicted = predict(load_classifier(exact, images), exact, images.astype(np.float32) / 255)
    assert predicted.dtype == np.uint8
    assert (predicted == labels).mean() > 0.95

    again = train_classifier(split, settings, 0, exact)
    assert all(torch.equal(a, b) for a, b in zip(classifier.parameters(), again.parameters(), strict=True))
    other = train_classifier(split, settings, 1, exact)
    assert not all(torch.equal(a, b) for a, b in zip(classifier.parameters(), other.parameters(), strict=True))


def test_embedding_in_batches_changes_nothing(monkeypatch):
    classifier = Classifier(channels=1, image_size=28, classes=10).requires_grad_(False).eval()
    images = torch.rand(7, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    features, labels = embed(classifier, images)
    assert features.shape == (7, 128) and labels.shape == (7,)
    monkeypatch.setattr(module, "BATCH", 3)
    torch.testing.assert_close(embed(classifier, images)[0], features)
    assert torch.equal(classifier(images).argmax(dim=1), labels)


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 28, 28), (1, 28, 20)])
def test_images_of_another_shape_are_refused(exact, file, shape):
    publish({file: network_writer(Classifier(channels=1, image_size=28, classes=10))})
    with pytest.raises(
        UserError, match=r"classifier\.safetensors: judges \(1, 28, 28\), the images are .*: run `dvc repro`"
    ):
        load_classifier(exact, np.zeros((2, *shape), dtype=np.uint8))


def test_a_missing_classifier_is_named(exact, file):
    with pytest.raises(UserError, match=r"classifier\.safetensors: no such file; `dvc repro` makes it"):
        load_classifier(exact, np.zeros((2, 1, 28, 28), dtype=np.uint8))
