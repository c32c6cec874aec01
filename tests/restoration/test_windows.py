"""Missing windows: they hide ink where they can, never overlap, and depend on nothing but the image and the seed."""

import numpy as np
import pytest

from stages.pipeline.errors import UserError
from stages.restoration.windows import LEAST_INK, check_windows, draw_windows
from tests.grounds import coloured

TIGHT = [(1, 28), (4, 14), (9, 8), (196, 2)]  # holes, window: as many as fit 28 pixels


@pytest.fixture
def images() -> np.ndarray:
    """Pictures with ink in one corner, so that most windows would cover none."""
    stream = np.random.default_rng(0)
    images = np.zeros((20, 1, 28, 28), dtype=np.float32)
    images[:, :, :16, :16] = stream.random((20, 1, 16, 16), dtype=np.float32)
    return images


@pytest.fixture
def black() -> np.ndarray:
    return np.zeros((2, 1, 28, 28), dtype=np.float32)


@pytest.mark.parametrize("holes", [1, 2, 3])
def test_windows_hide_ink_and_do_not_overlap(images, holes):
    mask = draw_windows(images, holes, 8, seed=0)
    assert mask.shape == images.shape and mask.dtype == bool
    assert ((~mask).sum(axis=(1, 2, 3)) == holes * 64).all()  # fewer pixels if any two overlapped
    if holes == 1:
        assert ((images * ~mask).sum(axis=(1, 2, 3)) >= 64 * LEAST_INK * 0.999).all()
    # Ink ends at 16, so a window that reaches row or column 24 covers none at all.
    assert mask[:, :, 24:].all() and mask[:, :, :, 24:].all()


def test_windows_depend_on_the_seed_and_the_image_alone(images):
    mask = draw_windows(images, 2, 8, seed=0)
    assert np.array_equal(mask[:5], draw_windows(images[:5], 2, 8, seed=0))
    assert not np.array_equal(mask, draw_windows(images, 2, 8, seed=1))


@pytest.mark.parametrize(("holes", "window"), TIGHT)
def test_the_most_windows_that_fit_are_cut_from_every_image(images, black, holes, window):
    """Over ink there is no room for so many, or there is no ink at all."""
    some = np.concatenate([images[:2], black])
    mask = draw_windows(some, holes, window, seed=0)
    cut = 28 // window * window
    assert not mask[:, :, :cut, :cut].any()
    assert mask[:, :, cut:].all() and mask[:, :, :, cut:].all()


@pytest.mark.parametrize("holes", [1, 2, 3])
def test_colours_on_a_light_ground_have_the_windows_of_white_on_black(images, holes):
    pictures = coloured(images)
    assert pictures.shape == (20, 3, 28, 28) and pictures.mean() > 0.5
    assert np.array_equal(draw_windows(pictures, holes, 8, seed=0), draw_windows(images, holes, 8, seed=0))


@pytest.mark.parametrize("holes", [1, 2, 3])
def test_a_black_image_gets_its_windows_and_moves_no_others(images, black, holes):
    mask = draw_windows(np.concatenate([images[:3], black]), holes, 8, seed=0)
    assert ((~mask).sum(axis=(1, 2, 3)) == holes * 64).all()
    assert np.array_equal(mask[:3], draw_windows(images[:3], holes, 8, seed=0))


def test_where_no_window_is_over_ink_those_of_a_grid_with_the_most_are_taken():
    faint = np.full((1, 1, 28, 28), LEAST_INK / 5, dtype=np.float32)
    faint[:, :, 8:16, 16:24] = LEAST_INK * 0.9
    faint[:, :, 16:24, :8] = LEAST_INK / 2
    expected = np.ones_like(faint, dtype=bool)
    expected[:, :, 8:16, 16:24] = False
    assert np.array_equal(draw_windows(faint, 1, 8, seed=0), expected)
    expected[:, :, 16:24, :8] = False
    assert np.array_equal(draw_windows(faint, 2, 8, seed=0), expected)


@pytest.mark.parametrize(
    ("holes", "window", "problem"),
    [
        ([1], 29, "norms.window = 29: allowed with these images is at most 28"),
        ([1, 13], 8, "norms.holes = 13: allowed with these images and norms.window = 8 is at most 9"),
        ([6], 12, "norms.holes = 6: allowed with these images and norms.window = 12 is at most 4"),
        ([2], 28, "norms.holes = 2: allowed with these images and norms.window = 28 is at most 1"),
        ([], 29, "norms.window = 29: allowed with these images is at most 28"),
    ],
)
def test_windows_that_do_not_fit_are_refused(holes, window, problem):
    with pytest.raises(UserError) as refusal:
        check_windows("norms", holes, window, 28)
    assert str(refusal.value) == f"params.yaml: {problem}"


@pytest.mark.parametrize(("holes", "window"), [*TIGHT, (784, 1), (4, 13), (1, 15)])
def test_as_many_windows_as_fit_are_accepted(holes, window):
    check_windows("inpainting", [1, holes] if holes > 1 else [1], window, 28)


def test_no_windows_at_all_are_accepted():
    check_windows("norms", [], 8, 28)


def test_a_window_of_one_colour_is_taken_only_where_there_is_no_other():
    """A flat one is filled without an error by whatever smooths, and its PSNR is infinite."""
    tile = np.zeros((1, 3, 32, 32), dtype=np.float32)
    tile[:, :, 4:28, 4:28] = 0.7
    for seed in range(20):
        (row, *_), (column, *_) = np.nonzero(~draw_windows(tile, 1, 8, seed)[0, 0])
        assert tile[0, 0, row : row + 8, column : column + 8].std() > 0
    assert not draw_windows(np.ones_like(tile) * [[[[0.5]]]], 1, 8, 0).all()
