"""Picks of images: labels stay with their images, and a longer pick begins with a shorter one."""

import numpy as np
import pytest

from stages.images.picking import pick_images
from stages.images.splits import Split, save_splits
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 1, 28, 28)
LABELS = np.array([1, 2, 3], dtype=np.uint8)


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "PREPARED", tmp_path)
    save_splits({"test": Split(IMAGES, LABELS)})


def test_picked_images_are_the_first_of_a_longer_pick(prepared):
    few, many = pick_images("test", 2, seed=0), pick_images("test", 3, seed=0)
    assert np.array_equal(few[0], many[0][:2]) and np.array_equal(few[1], many[1][:2])
    assert few[0].dtype == np.float32 and many[0].max() <= 1
    with pytest.raises(UserError, match="4 images of the test split asked for: allowed are at most 3"):
        pick_images("test", 4, seed=0)


def test_picked_images_keep_their_labels(prepared):
    images, labels = pick_images("test", 3, seed=0)
    assert sorted(labels) == LABELS.tolist()
    for image, label in zip(images, labels, strict=True):
        assert np.array_equal(image, IMAGES[label == LABELS][0].astype(np.float32) / 255)
