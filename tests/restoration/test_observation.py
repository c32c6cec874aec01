"""What is seen: noise that is paired and never clipped, windows that hide ink and never overlap."""

import numpy as np
import pytest

from stages.pipeline.errors import UserError
from stages.restoration.observation import INK, clean, draw_windows, masked, noisy, stack


@pytest.fixture
def images() -> np.ndarray:
    """Pictures with ink in one corner, so that most windows would cover none."""
    stream = np.random.default_rng(0)
    images = np.zeros((20, 1, 28, 28), dtype=np.float32)
    images[:, :, :16, :16] = stream.random((20, 1, 16, 16), dtype=np.float32)
    return images


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


@pytest.mark.parametrize("holes", [1, 2, 3])
def test_windows_hide_ink_and_do_not_overlap(images, holes):
    mask = draw_windows(images, holes, 8, seed=0)
    assert ((~mask).sum(axis=(1, 2, 3)) == holes * 64).all()  # fewer pixels if any two overlapped
    if holes == 1:
        assert ((images * ~mask).sum(axis=(1, 2, 3)) >= 64 * INK * 0.999).all()
    # Ink ends at 16, so a window that reaches row or column 24 covers none at all.
    assert mask[:, :, 24:].all() and mask[:, :, :, 24:].all()


def test_windows_depend_on_the_seed_and_the_image_alone(images):
    mask = draw_windows(images, 2, 8, seed=0)
    assert np.array_equal(mask[:5], draw_windows(images[:5], 2, 8, seed=0))
    assert not np.array_equal(mask, draw_windows(images, 2, 8, seed=1))


@pytest.mark.parametrize(("holes", "window"), [(1, 29), (13, 8), (6, 12)])
def test_windows_that_do_not_fit_are_refused(images, holes, window):
    with pytest.raises(UserError, match="inpaint"):
        draw_windows(images, holes, window, seed=0)


def test_windows_over_an_empty_image_are_refused():
    with pytest.raises(UserError, match="over the ink of image 0"):
        draw_windows(np.zeros((1, 1, 28, 28), dtype=np.float32), 1, 8, seed=0)


def test_masked_forgets_hidden_pixels(images):
    mask = draw_windows(images, 2, 8, seed=0)
    seen = masked(images, mask)
    assert not seen.y[~np.broadcast_to(mask, seen.y.shape)].any()
    assert np.array_equal(np.where(mask, images, 0), seen.y)


def test_stack_keeps_order(images):
    both = stack([clean(images), noisy(images, 0.3, seed=0)])
    assert len(both.y) == len(both.mask) == len(both.sigma) == 40
    assert np.array_equal(both.y[:20], images)
    assert np.array_equal(np.unique(both.sigma), np.float32([0, 0.3]))
