"""The look of all figures: pictures, colours, names, and the same bytes for the same numbers."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages.report.shades import HIDDEN
from stages.report.style import GREY, MARGIN, PALETTE, by_prior, colours, figure_writer, greyed, readable, show, tile
from tests.observations import observe, window


def pictures(count: int, channels: int) -> np.ndarray:
    return np.random.default_rng(count).random((count, channels, 8, 8), dtype=np.float32)


def test_tile_goes_row_by_row():
    images = np.arange(6)[:, None, None, None] * np.ones((6, 1, 2, 3))
    picture = tile(images, columns=3)[..., 0]
    assert picture.shape == (4, 9)
    assert picture[::2, ::3].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_tile_keeps_colours():
    images = pictures(4, 3)
    assert np.array_equal(tile(images, columns=2)[8:, 8:], images[3].transpose(1, 2, 0))


@pytest.mark.parametrize("channels", [1, 3])
def test_show_draws_a_picture_as_it_is_and_nothing_else(channels):
    figure, axes = plt.subplots()
    picture = tile(pictures(1, channels), columns=1)
    show(axes, picture)
    (shown,) = axes.images
    assert np.array_equal(shown.get_array(), picture[..., 0] if channels == 1 else picture)
    assert axes.get_xticks().size == axes.get_yticks().size == 0
    assert not any(spine.get_visible() for spine in axes.spines.values())
    figure.canvas.draw()


def test_grey_pictures_share_a_scale_unless_told():
    _, (dim, signed) = plt.subplots(1, 2)
    picture = np.full((2, 2, 1), 0.25)
    show(dim, picture)
    show(signed, picture, cmap="RdBu_r", vmin=-1)
    assert (dim.images[0].get_clim(), signed.images[0].get_clim()) == ((0, 1), (-1, 1))
    assert dim.images[0].to_rgba(picture[..., 0])[0, 0, :3] == pytest.approx(0.25, abs=0.01)
    assert signed.images[0].get_cmap().name == "RdBu_r"


def test_noisy_colours_are_clipped_to_what_a_screen_has():
    _, axes = plt.subplots()
    show(axes, np.array([[[-0.5, 0.5, 1.5]]]))
    assert axes.images[0].get_array().tolist() == [[[0, 0.5, 1]]]


def test_hidden_pixels_are_grey_and_the_others_as_seen():
    images = pictures(2, 3)
    mask = window(images, slice(4))
    observed = observe(images, 1, "holes", mask=mask)
    shown = greyed(observed)
    assert (shown[:, :, :4] == HIDDEN).all()
    assert np.array_equal(shown[:, :, 4:], images[:, :, 4:])
    assert np.array_equal(greyed(observe(images, 0.5, "sigma", y=images - 1)), images - 1)


def test_priors_have_colours_in_their_order_and_what_has_none_is_grey():
    first, second = PALETTE[:2]
    assert colours(["minimax", "least_squares"]) == {"minimax": first, "least_squares": second, "none": GREY}
    assert colours(["least_squares", "minimax"]) == {"least_squares": first, "minimax": second, "none": GREY}
    assert colours(pd.Series(["none", "none", "minimax", "minimax", "b"])) == {
        "minimax": first,
        "b": second,
        "none": GREY,
    }
    assert colours([]) == {"none": GREY}
    assert GREY not in PALETTE and len(set(PALETTE)) == len(PALETTE)


def test_more_priors_than_colours_begin_anew():
    names = [f"prior_{number}" for number in range(len(PALETTE) + 3)]
    assert len(PALETTE) == 8
    found = colours(names)
    assert [found[name] for name in names] == [*PALETTE, *PALETTE[:3]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("minimax", "minimax"),
        ("non_saturating", "non-saturating"),
        ("least_squares", "least squares"),
        ("hole_psnr", "hole psnr"),
    ],
)
def test_names_are_readable(name, words):
    assert readable(name) == words


def test_the_rows_of_priors_come_in_the_order_of_the_table():
    table = pd.DataFrame({"prior": ["b", "a", "b", "none"], "number": [1, 2, 3, 4]})
    assert [(prior, rows.number.tolist()) for prior, rows in by_prior(table)] == [
        ("b", [1, 3]),
        ("a", [2]),
        ("none", [4]),
    ]


def written() -> bytes:
    figure, axes = plt.subplots()
    axes.plot([1, 2], [1, 2], label="a line")
    axes.legend()
    file = io.BytesIO()
    figure_writer(figure)(file)
    return file.getvalue()


def test_the_same_figure_is_the_same_bytes_without_the_library_in_them():
    first = written()
    assert first == written()
    with Image.open(io.BytesIO(first)) as image:
        image.load()
        assert image.format == "PNG" and image.width > 100
        assert "Software" not in image.info
    assert b"Software" not in first and b"matplotlib" not in first.lower()


def test_the_white_around_a_figure_is_cut_but_for_a_margin():
    figure = plt.figure(figsize=(4, 3))
    figure.add_artist(plt.Rectangle((0.25, 0.5), 0.5, 0.25, color="black"))
    width, height = (round(side * plt.rcParams["figure.dpi"]) for side in (4 * 0.5, 3 * 0.25))
    file = io.BytesIO()
    figure_writer(figure)(file)
    with Image.open(file) as image:
        pixels = np.asarray(image)
    assert abs(pixels.shape[0] - height - 2 * MARGIN) <= 2 and abs(pixels.shape[1] - width - 2 * MARGIN) <= 2
    assert (pixels[:MARGIN] == 255).all() and (pixels[MARGIN + 2 : -MARGIN - 2, MARGIN + 2 : -MARGIN - 2] == 0).all()


def width_of_words(inches: float) -> int:
    figure = plt.figure(figsize=(inches, 2))
    figure.text(0.5 / inches, 0.5, "words that need more than one inch")
    file = io.BytesIO()
    figure_writer(figure)(file)
    with Image.open(file) as image:
        return image.width


def test_words_that_reach_beyond_a_figure_are_not_cut_off():
    assert abs(width_of_words(1) - width_of_words(5)) <= 2


def test_a_written_figure_is_closed():
    written()
    assert plt.get_fignums() == []
