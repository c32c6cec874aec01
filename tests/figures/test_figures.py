"""Figures: the same bytes for the same numbers, images where they belong, grey and colour alike."""

import numpy as np
import pandas as pd
import pytest

from stages.figures.restoration import (
    calibration_curves,
    completion_panels,
    denoising_panels,
    inpainting_panels,
    inversion_panels,
    norm_table,
    quality_curves,
    solver_curves,
)
from stages.figures.style import save_figure, tile
from stages.figures.training import fidelity_curves, sample_grids, training_curves
from stages.restoration.names import METHODS

LOSSES = ["minimax", "least_squares"]


def pictures(count: int, channels: int) -> np.ndarray:
    return np.random.default_rng(count).random((count, channels, 8, 8), dtype=np.float32)


def restored(key: str, conditions: list, channels: int) -> dict[str, dict[str, np.ndarray]]:
    count = 5 * len(conditions)
    arrays = {name: pictures(count, channels) for name in ("images", "observed", *METHODS, "whitened", "posterior_std")}
    mask = np.ones((count, 1, 8, 8), dtype=bool)
    mask[:, :, :4] = False
    arrays["completions"] = (np.stack([pictures(count, channels)] * 3, axis=1) * 255).astype(np.uint8)
    arrays["chain_weights"] = np.full((count, 3), 1 / 3)
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
        "completions": lambda: completion_panels("minimax", restored("holes", [1, 2], channels)["minimax"]),
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
        for loss, method in [("none", "observed"), ("none", "tv"), ("minimax", "map"), ("minimax", "posterior_mean")]
        for sigma in (0.0, 0.5)
    ]
    figure = quality_curves(pd.DataFrame(rows), "sigma", "psnr", ("sigma", "PSNR"))
    own, rivals = figure.axes
    assert [line.get_label() for line in own.lines] == ["observed", "map, minimax", "posterior_mean, minimax"]
    assert own.lines[1].get_linestyle() != own.lines[2].get_linestyle()
    assert own.lines[1].get_color() == own.lines[2].get_color() != own.lines[0].get_color()
    assert [line.get_label() for line in rivals.lines] == ["tv", "posterior_mean, minimax"]


def test_calibration_shows_both_intervals_and_both_tasks():
    names = ["coverage_50", "coverage_50_low", "coverage_50_high", "coverage_90", "coverage_90_low", "coverage_90_high"]
    rows = [
        {"loss": "minimax", "task": task, "condition": condition, "r_hat": 1.2} | dict.fromkeys(names, 0.6)
        for task in ("denoising", "inpainting")
        for condition in (1, 2)
    ]
    figure = calibration_curves(pd.DataFrame(rows))
    assert [axes.get_title() for axes in figure.axes] == ["denoising", "inpainting", "", ""]
    assert all(len(axes.lines) == lines for axes, lines in zip(figure.axes, (4, 4, 2, 2), strict=True))


def test_the_best_norm_of_each_corruption_is_bold():
    scores = {("l2", "off"): (20, 8), ("l2", "on"): (19, 9), ("l1", "off"): (21, 7)}
    rows = [
        {"norm": norm, "prior": prior, "corruption": corruption, "psnr": psnr}
        for (norm, prior), both in scores.items()
        for corruption, psnr in zip(("clean", "windows 1"), both, strict=True)
    ]
    (axes,) = norm_table(pd.DataFrame(rows)).axes
    assert {text.get_text() for text in axes.texts if text.get_fontweight() == "bold"} == {"21.0", "9.0"}


def test_solvers_have_a_line_each():
    rows = [
        {"solver": solver, "steps": steps, "seconds": steps / 100, "squared_error": 1 / steps, "psnr": 20.0}
        for solver in ("adam", "whitened")
        for steps in (1, 10)
    ]
    figure = solver_curves(pd.DataFrame(rows), pd.DataFrame({"restarts": [1, 2], "psnr": [20.0, 21.0]}))
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 1, 2, 2, 0]


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
