"""What is made of test images: the same levels in other places, other levels in the same places, or hardly anything."""

import numpy as np
import pytest

from stages.images.altered import altered
from stages.pipeline.artifacts import ALTERED

STREAM = np.random.default_rng(0)


@pytest.fixture(params=[(1, 28), (3, 64)])
def images(request) -> np.ndarray:
    channels, size = request.param
    return STREAM.integers(0, 256, size=(5, channels, size, size), dtype=np.uint8)


def test_all_kinds_are_images_of_the_same_shape(images):
    made = altered(images, seed=0)
    assert tuple(made) == ALTERED
    for kind, own in made.items():
        assert own.dtype == np.uint8 and own.shape == images.shape, kind
    assert np.array_equal(made["test"], images)


def test_shuffling_moves_all_channels_of_all_images_alike(images):
    columns = np.arange(images[0, 0].size).reshape(images.shape[2:])
    places = np.broadcast_to(columns % 256, images.shape).astype(np.uint8)
    moved = altered(places, seed=0)["shuffled"]
    assert np.array_equal(moved, np.broadcast_to(moved[:1, :1], moved.shape))
    shuffled = altered(images, seed=0)["shuffled"]
    assert np.array_equal(np.sort(shuffled, axis=None), np.sort(images, axis=None))
    assert (shuffled != images).mean() > 0.9
    assert not np.array_equal(shuffled, altered(images, seed=1)["shuffled"])


def test_other_kinds_by_their_pixels(images):
    made = altered(images, seed=0)
    assert np.array_equal(made["upside_down"][:, :, 0], images[:, :, -1])
    assert (made["inverted"].astype(int) + images == 255).all()
    assert np.array_equal(made["blank"][:, :, 0, 0], np.median(images, axis=(2, 3)).round())
    assert (made["blank"] == made["blank"][:, :, :1, :1]).all()
    assert made["blurred"].std() < images.std() / 2
    assert made["blurred"].mean() == pytest.approx(images.mean(), abs=2)
    assert made["noise"].mean() == pytest.approx(127.5, abs=3) and made["noise"].max() == 255
