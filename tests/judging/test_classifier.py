"""The classifier learns what can be learned, by the batch, and the same again from the same seed."""

import numpy as np
import pytest
import torch

from stages.images.splits import Split
from stages.judging.classifier import train_classifier
from stages.judging.embedding import Embedding
from stages.judging.trunk import batches
from stages.pipeline.params import Classify

SETTINGS = Classify(epochs=3, batch_size=20, learning_rate=0.001)


class Batched:
    """Images that can be read by the batch alone, as those in a large file; the largest batch is remembered."""

    def __init__(self, images: np.ndarray):
        self.images, self.shape, self.largest = images, images.shape, 0

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        assert not isinstance(rows, torch.Tensor)
        found = self.images[rows]
        self.largest = max(self.largest, len(found))
        return found


@pytest.fixture
def split() -> Split:
    """Bright images and dark ones, in colour."""
    stream = np.random.default_rng(0)
    labels = stream.integers(0, 2, size=200, dtype=np.uint8)
    images = labels[:, None, None, None] * 128 + stream.integers(0, 100, size=(200, 3, 28, 28))
    return Split(images.astype(np.uint8), labels)


def test_it_learns_bright_from_dark_and_the_same_again(exact, split):
    classifier = train_classifier(split, SETTINGS, 0, exact)
    _, predicted = Embedding(classifier, exact).embed(batches(split.images))
    assert predicted.dtype == np.uint8
    assert (predicted == split.labels).mean() > 0.95
    assert not classifier.training and not any(weight.requires_grad for weight in classifier.parameters())

    again = train_classifier(split, SETTINGS, 0, exact)
    assert all(torch.equal(a, b) for a, b in zip(classifier.parameters(), again.parameters(), strict=True))
    other = train_classifier(split, SETTINGS, 1, exact)
    assert not all(torch.equal(a, b) for a, b in zip(classifier.parameters(), other.parameters(), strict=True))


def test_images_read_by_the_batch_train_the_same_classifier(exact, split):
    stored = Batched(split.images)
    classifier = train_classifier(Split(stored, split.labels), SETTINGS, 0, exact)
    expected = train_classifier(split, SETTINGS, 0, exact)
    assert all(torch.equal(a, b) for a, b in zip(classifier.parameters(), expected.parameters(), strict=True))
    assert stored.largest == SETTINGS.batch_size
