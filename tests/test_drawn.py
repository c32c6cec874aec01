"""Blank figures are told from drawn ones, as a PNG and in memory."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.report.style import PALETTE, figure_writer, show
from tests.drawn import blank_axes, is_drawn

Draw = Callable[[Axes], object]


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def curve(axes: Axes) -> None:
    axes.plot([1, 2, 3], [1, 3, 2], color=PALETTE[0], label="a curve")
    axes.legend()


def dressed(axes: Axes) -> None:
    """All that axes have without data."""
    axes.set_title("a title", color=PALETTE[1])
    axes.set_xlabel("epoch")
    axes.set_ylabel("two lines\nof words", color=PALETTE[2])
    axes.set_yscale("log")
    axes.axhline(1, color="#555555", linestyle=":")


def without_numbers(axes: Axes) -> None:
    axes.plot([1, 2], [np.nan, np.nan], color=PALETTE[0])
    axes.bar([1, 2], [np.nan, np.nan])


def picture(axes: Axes) -> None:
    show(axes, np.random.default_rng(0).random((8, 8, 1)))


def dark_picture(axes: Axes) -> None:
    """A stroke on black, as a digit is."""
    image = np.zeros((28, 28, 1))
    image[6:22, 12:16] = np.linspace(0.2, 1, 16)[:, None, None]
    show(axes, image)


def colour_picture(axes: Axes) -> None:
    show(axes, np.random.default_rng(0).random((8, 8, 3)))


def one_colour(axes: Axes) -> None:
    show(axes, np.zeros((8, 8, 1)))


def no_picture(axes: Axes) -> None:
    show(axes, np.ones((8, 8, 1)))


DATA: dict[str, Draw] = {
    "coloured curve": curve,
    "black curve": lambda axes: axes.plot([1, 2, 3], [1, 3, 2], "-", color="black", marker="."),
    "a single point": lambda axes: axes.plot([1], [2], color=PALETTE[3], marker="."),
    "bars": lambda axes: axes.bar([1, 2], [0.5, 1], color="#555555"),
    "error bars": lambda axes: axes.errorbar([1, 2], [1, 2], [0.1, 0.2], fmt=".", color=PALETTE[2]),
    "area": lambda axes: axes.fill_between([1, 2], [1, 2], [2, 3], color=PALETTE[1]),
    "table in colours": lambda axes: axes.imshow([[-1, 0], [0, -3]], cmap="YlGn", vmin=-6, vmax=4),
}
PICTURES: dict[str, Draw] = {"picture": picture, "dark picture": dark_picture, "colour picture": colour_picture}
NOTHING: dict[str, Draw] = {
    "nothing": lambda axes: None,
    "words, ticks and a line across": dressed,
    "numbers that are none": without_numbers,
}


def drawn(draws: list[Draw], columns: int = 1) -> Figure:
    rows = len(draws) // columns
    figure, axes = plt.subplots(rows, columns, figsize=(3 * columns, 2 * rows), squeeze=False, layout="constrained")
    for panel, draw in zip(axes.flat, draws, strict=True):
        draw(panel)
    return figure


def written(figure: Figure, folder: Path) -> Path:
    path = folder / "figure.png"
    with path.open("wb") as file:
        figure_writer(figure)(file)
    return path


@pytest.mark.parametrize("draw", (DATA | PICTURES).values(), ids=(DATA | PICTURES).keys())
def test_what_has_data_is_drawn(tmp_path, draw):
    figure = drawn([draw])
    assert blank_axes(figure) == []
    assert is_drawn(written(figure, tmp_path))


@pytest.mark.parametrize("draw", NOTHING.values(), ids=NOTHING.keys())
def test_axes_without_data_are_blank(tmp_path, draw):
    figure = drawn([draw])
    assert len(blank_axes(figure)) == 1
    assert not is_drawn(written(figure, tmp_path))


@pytest.mark.parametrize("draw", NOTHING.values(), ids=NOTHING.keys())
def test_one_pair_of_axes_without_data_among_others_is_found(tmp_path, draw):
    figure = drawn([*DATA.values(), draw], columns=4)
    assert [name[0] for name in blank_axes(figure)] == ["7"]
    assert not is_drawn(written(figure, tmp_path))


@pytest.mark.parametrize("show_nothing", [no_picture, Axes.set_axis_off])
def test_a_missing_picture_is_found(tmp_path, show_nothing):
    figure = drawn([picture, dark_picture, show_nothing, picture, picture, dark_picture], columns=3)
    assert [name[0] for name in blank_axes(figure)] == ["2"]
    assert not is_drawn(written(figure, tmp_path))


def test_a_picture_of_one_colour_is_one_among_others_and_none_alone(tmp_path):
    assert is_drawn(written(drawn([picture, one_colour]), tmp_path))
    assert not is_drawn(written(drawn([one_colour] * 4, columns=2), tmp_path))


def test_a_file_of_one_colour_or_of_words_is_not_drawn(tmp_path):
    assert not is_drawn(written(plt.figure(), tmp_path))
    plt.imsave(tmp_path / "black.png", np.zeros((300, 400, 3)))
    assert not is_drawn(tmp_path / "black.png")
    figure = plt.figure()
    figure.text(0.1, 0.5, "many words\n" * 4, color=PALETTE[0], fontsize=14)
    assert not is_drawn(written(figure, tmp_path))


def test_asking_leaves_a_figure_as_it_was(tmp_path):
    figure = drawn([curve, dressed])
    assert len(blank_axes(figure)) == 1
    asked = written(figure, tmp_path).read_bytes()
    assert asked == written(drawn([curve, dressed]), tmp_path).read_bytes()
