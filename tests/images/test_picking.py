"""Picks of images: labels stay with their images, and a longer pick begins with a shorter one."""

import numpy as np
import pytest

from stages.images.picking import pick_images
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from tests.images.imagesets import save_prepared
from tests.project import ROOT

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 1, 28, 28)
LABELS = np.array([1, 2, 3], dtype=np.uint8)
PARAMS = load_params(ROOT / "params.yaml")


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "PREPARED", tmp_path)
    save_prepared(IMAGES, LABELS)


def test_picked_images_are_the_first_of_a_longer_pick():
    few, many = pick_images("test", 2, PARAMS), pick_images("test", 3, PARAMS)
    assert np.array_equal(few[0], many[0][:2]) and np.array_equal(few[1], many[1][:2])
    assert few[0].dtype == np.float32 and many[0].max() <= 1
    with pytest.raises(UserError, match="4 images of the test split asked for: allowed are at most 3"):
        pick_images("test", 4, PARAMS)


def test_picked_images_keep_their_labels():
    images, labels = pick_images("test", 3, PARAMS)
    assert sorted(labels) == LABELS.tolist()
    for image, label in zip(images, labels, strict=True):
        assert np.array_equal(image, IMAGES[label == LABELS][0].astype(np.float32) / 255)


def test_images_without_labels_are_picked_alike():
    images, _ = pick_images("test", 3, PARAMS)
    save_prepared(IMAGES, None)
    unlabelled, labels = pick_images("test", 3, PARAMS)
    assert np.array_equal(images, unlabelled) and labels is None
