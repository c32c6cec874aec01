"""Levels of pixels."""

import numpy as np

from stages.pipeline.numerics.pixels import bits_per_dim


def test_a_uniform_density_takes_the_8_bits_of_an_8_bit_image():
    np.testing.assert_allclose(bits_per_dim(np.zeros(3), pixels=784), 8)
    half = 784 * np.log(2)  # the density of images of which half the levels never occur
    np.testing.assert_allclose(bits_per_dim(np.array([half, 8 * half]), pixels=784), [7, 0])
