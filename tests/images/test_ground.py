"""Ink is what differs from an image's own ground, whatever the ground's colour."""

import numpy as np
import pytest

from stages.images.ground import ground, ink, ink_level
from tests.grounds import coloured
from tests.strokes import bars, ring


def test_white_on_black_is_its_own_ink_to_the_last_bit():
    images = np.concatenate([bars(3, 20), ring()])
    assert ground(images).tolist() == [[[[0]]]] * 2
    assert np.array_equal(ink(images, ground(images)), images)
    assert np.array_equal(ink_level(images, ground(images)), images[:, 0])


def test_the_ground_is_the_colour_of_most_of_the_border():
    images = np.zeros((2, 3, 8, 8), dtype=np.float32)
    images[0] = np.float32([0.2, 0.4, 1])[:, None, None]
    images[:, :, 1:-1, 1:-1] = 0.7  # within the border
    images[:, :, 0, :7] = 0.9  # 13 of 28 pixels of the border
    images[:, :, 1:7, 0] = 0.9
    assert ground(images)[:, :, 0, 0] == pytest.approx(np.array([[0.2, 0.4, 1], [0, 0, 0]]), abs=1e-6)


def test_levels_between_two_of_256_are_the_nearest():
    almost_black = np.full((1, 1, 8, 8), 0.4 / 255, dtype=np.float32)
    assert ground(almost_black).item() == 0
    assert ground(2 * almost_black).item() == np.float32(1) / 255


def test_colours_on_a_light_ground_have_the_ink_of_white_on_black():
    images = np.concatenate([bars(3, 20), ring()])
    pictures = coloured(images)
    assert ground(pictures)[:, :, 0, 0].tolist() == [[1, 1, 0]] * 2
    np.testing.assert_allclose(ink_level(pictures, ground(pictures)), images[:, 0], atol=1e-6)


def test_the_ink_of_another_image_is_taken_from_the_ground_that_is_given():
    white, black = np.ones((1, 1, 8, 8), dtype=np.float32), np.zeros((1, 1, 8, 8), dtype=np.float32)
    assert ink(black, ground(white)).min() == 1 and ink(black, ground(black)).max() == 0
