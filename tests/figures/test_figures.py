"""Figures: the same bytes for the same numbers, images where they belong, grey and colour alike."""

import numpy as np
import pandas as pd
import pytest

from stages.figures.restoration import denoising_panels, inpainting_panels, inversion_panels, quality_curves
from stages.figures.style import save_figure, tile
from stages.figures.training import fidelity_curves, sample_grids, training_curves

LOSSES = ["minimax", "least_squares"]


def pictures(count: int, channels: int) -> np.ndarray:
    return np.random.default_rng(count).random((count, channels, 8, 8), dtype=np.float32)


def restored(key: str, conditions: list, channels: int) -> dict[str, dict[str, np.ndarray]]:
    count = 5 * len(conditions)
    arrays = {name: pictures(count, channels) for name in ("images", "observed", "plain", "map")}
    mask = np.ones((count, 1, 8, 8), dtype=bool)
    mask[:, :, :4] = False
    return {loss: arrays | {key: np.repeat(conditions, 5), "mask": mask} for loss in LOSSES}


def test_tile_goes_row_by_row():
    images = np.arange(6)[:, None, None, None] * np.ones((6, 1, 2, 3))
    picture = tile(images, columns=3)[..., 0]
    assert picture.shape == (4, 9)
    assert picture[::2, ::3].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_tile_keeps_colours():
    images = pictures(4, 3)
    assert np.array_equal(tile(images, columns=2)[8:, 8:], images[3].transpose(1, 2, 0))


@pytest.mark.parametrize("channels", [1, 3])
def test_panels_of_grey_and_colour_images_repeat_their_bytes(tmp_path, channels):
    drawers = {
        "inversion": lambda: inversion_panels(restored("source", ["generated", "train", "test"], channels)),
        "denoising": lambda: denoising_panels(restored("sigma", [0.0, 0.5], channels)),
        "inpainting": lambda: inpainting_panels(restored("holes", [1, 2], channels)),
        "samples": lambda: sample_grids(
            {loss: {epoch: (pictures(64, channels) * 255).astype(np.uint8) for epoch in (1, 2)} for loss in LOSSES}
        ),
    }
    for name, draw in drawers.items():
        for path in (tmp_path / f"{name}_a.png", tmp_path / f"{name}_b.png"):
            save_figure(path, draw())
        first = (tmp_path / f"{name}_a.png").read_bytes()
        assert first == (tmp_path / f"{name}_b.png").read_bytes()
        assert first.startswith(b"\x89PNG") and b"Software" not in first


def test_curves_have_a_line_for_each_loss_and_method():
    rows = [
        {"loss": loss, "method": method, "sigma": sigma, "psnr": 20 - sigma, "psnr_low": 19.0, "psnr_high": 21.0}
        for loss, method in [("none", "observed"), ("minimax", "plain"), ("minimax", "map")]
        for sigma in (0.0, 0.5)
    ]
    figure = quality_curves(pd.DataFrame(rows), "sigma", "psnr", ("sigma", "PSNR"))
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["observed", "plain, minimax", "map, minimax"]
    assert axes.lines[1].get_linestyle() != axes.lines[2].get_linestyle()
    assert axes.lines[1].get_color() == axes.lines[2].get_color() != axes.lines[0].get_color()


def test_sample_grids_stand_under_their_epochs_whatever_their_order():
    grids = {epoch: np.full((64, 1, 8, 8), epoch, dtype=np.uint8) for epoch in (1, 10, 2)}
    figure = sample_grids({"minimax": grids, "least_squares": dict(reversed(grids.items()))})
    shown = [(axes.get_title(), axes.images[0].get_array().max() * 255) for axes in figure.axes]
    assert shown == [("epoch 1", 1), ("epoch 2", 2), ("epoch 10", 10), ("", 1), ("", 2), ("", 10)]


def test_gradients_are_drawn_on_a_log_axis():
    names = ["d_loss", "g_loss", "real_logit", "fake_logit", "loss_slope", "g_grad_norm", "d_accuracy"]
    rows = [{"loss": loss, "epoch": epoch} | dict.fromkeys(names, 0.5) for loss in LOSSES for epoch in (1, 2)]
    scales = {axes.get_title(): axes.get_yscale() for axes in training_curves(pd.DataFrame(rows)).axes}
    assert scales["norm of the generator's gradient"] == "log"
    assert scales["generator loss"] == "linear"


def test_fidelity_has_a_line_for_each_loss_and_the_floor():
    names = ["frechet_distance", "precision", "recall", "density", "coverage", "classes_covered", "class_entropy"]
    rows = [{"loss": "none", "epoch": None} | dict.fromkeys(names, 0.9)]
    rows += [{"loss": loss, "epoch": epoch} | dict.fromkeys(names, 0.5) for loss in LOSSES for epoch in (1, 2)]
    figure = fidelity_curves(pd.DataFrame(rows))
    assert len(figure.axes) == 6
    for axes in figure.axes:
        floor, *lines = axes.lines
        assert set(floor.get_ydata()) == {0.9}
        assert [line.get_label() for line in lines] == ["minimax", "least squares"]
        assert all(list(line.get_xdata()) == [1, 2] for line in lines)
