"""What is seen: noise that is paired and never clipped, and nothing of what is hidden."""

import numpy as np
import pytest

from stages.restoration.observation import clean, masked, noisy, stack


@pytest.fixture
def images() -> np.ndarray:
    """Pictures with ink in one corner."""
    stream = np.random.default_rng(0)
    images = np.zeros((20, 1, 28, 28), dtype=np.float32)
    images[:, :, :16, :16] = stream.random((20, 1, 16, 16), dtype=np.float32)
    return images


@pytest.fixture
def mask(images) -> np.ndarray:
    """Another half of the pixels hidden in each image."""
    return np.random.default_rng(1).random(images.shape) < 0.5


def test_clean_is_the_image_itself(images):
    seen = clean(images)
    assert np.array_equal(seen.y, images) and seen.mask.all() and not seen.sigma.any()


def test_noise_has_the_asked_spread_and_is_not_clipped(images):
    seen = noisy(images, 0.5, seed=0)
    noise = seen.y - images
    assert abs(noise.std() - 0.5) < 0.01 and abs(noise.mean()) < 0.01
    assert seen.y.min() < -0.5 and seen.y.max() > 1.5
    assert (seen.sigma == 0.5).all() and seen.y.dtype == np.float32


def test_noise_levels_scale_one_draw(images):
    weak, strong = (noisy(images, sigma, seed=0).y - images for sigma in (0.1, 0.4))
    np.testing.assert_allclose(strong, 4 * weak, atol=1e-5)
    assert not np.allclose(weak, noisy(images, 0.1, seed=1).y - images)


def test_masked_forgets_hidden_pixels(images, mask):
    seen = masked(images, mask)
    assert not seen.y[~np.broadcast_to(mask, seen.y.shape)].any()
    assert np.array_equal(np.where(mask, images, 0), seen.y)


def test_stack_keeps_order(images):
    both = stack([clean(images), noisy(images, 0.3, seed=0)])
    assert len(both.y) == len(both.mask) == len(both.sigma) == 40
    assert np.array_equal(both.y[:20], images)
    assert np.array_equal(np.unique(both.sigma), np.float32([0, 0.3]))


def test_rows_come_in_the_order_and_as_often_as_they_are_named(images, mask):
    both = stack([masked(images, mask), noisy(images, 0.3, seed=0)])
    rows = both.rows(np.array([25, 3, 3]))
    for name, array in vars(rows).items():
        assert np.array_equal(array, getattr(both, name)[[25, 3, 3]])
