"""What has no brightness of its own, as grey and as colours."""

import numpy as np
import pytest

from stages.report.shades import MOST_UNCERTAIN, difference, uncertainty


def test_uncertainty_of_grey_images_is_their_standard_deviation_on_a_fixed_scale():
    std = np.array([[[0.0, 0.25], [0.5, 0.7]]], dtype=np.float32)
    assert uncertainty(std).tolist() == [[[0, 0.5], [1, 1]]]


def test_uncertainty_of_colours_is_grey_and_does_not_tell_the_channels_apart():
    std = np.random.default_rng(0).random((2, 3, 4, 4), dtype=np.float32) * MOST_UNCERTAIN
    assert uncertainty(std).shape == (2, 1, 4, 4)
    np.testing.assert_allclose(uncertainty(std[:, ::-1]), uncertainty(std), rtol=1e-6)
    alike = np.repeat(std[:, :1], 3, axis=1)
    np.testing.assert_allclose(uncertainty(alike), uncertainty(std[:, :1]), rtol=1e-6)
    one = np.zeros((1, 3, 1, 1), dtype=np.float32)
    one[0, 1] = 0.3
    assert uncertainty(one).item() == pytest.approx(0.3 / 3**0.5 / MOST_UNCERTAIN)


def test_differences_of_colours_are_mid_grey_where_there_are_none_and_stay_within_what_a_screen_has():
    images = np.random.default_rng(0).random((2, 3, 4, 4), dtype=np.float32)
    assert np.array_equal(difference(images, images), np.full_like(images, 0.5))
    assert difference(np.ones(3), np.zeros(3)).tolist() == [1] * 3 and difference(np.zeros(3), np.ones(3)).max() == 0
