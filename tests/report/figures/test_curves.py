"""Figures of curves: a line for each prior, solver or method, through the numbers of the table."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from stages.report.figures.calibration import calibration_curves
from stages.report.figures.fidelity import fidelity_curves
from stages.report.figures.search import solver_curves, solver_seconds
from stages.report.figures.tasks import method_curves, quality_curves
from stages.report.figures.training import training_curves
from stages.report.style import GREY, PALETTE
from tests.drawn import blank_axes

PRIORS = ["minimax", "least_squares"]
NAMES = ["minimax", "least squares"]


def points(axes: Axes, number: int) -> list[tuple[float, float]]:
    """Those that one line goes through."""
    x, y = axes.lines[number].get_data()
    return list(zip(np.asarray(x).tolist(), np.asarray(y).tolist(), strict=True))


def training() -> pd.DataFrame:
    names = ["d_loss", "g_loss", "real_logit", "fake_logit", "loss_slope", "g_grad_norm", "d_accuracy"]
    return pd.DataFrame(
        [
            {"prior": prior, "epoch": epoch} | {name: 10 * number + place + epoch for place, name in enumerate(names)}
            for number, prior in enumerate(PRIORS)
            for epoch in (1, 2)
        ]
    )


def test_training_has_a_line_for_each_prior_and_two_of_its_logits():
    figure = training_curves(training())
    columns = {
        "discriminator loss": [0],
        "generator loss": [1],
        "logits (solid: real, dashed: fake)": [2, 3],
        "|dL_G/dl|, slope of the generator's loss": [4],
        "norm of the generator's gradient": [5],
        "discriminator accuracy": [6],
    }
    assert [axes.get_title() for axes in figure.axes] == list(columns)
    for axes, places in zip(figure.axes, columns.values(), strict=True):
        expected = [
            [(1, 10 * number + place + 1), (2, 10 * number + place + 2)] for number in range(2) for place in places
        ]
        assert [points(axes, line) for line in range(len(axes.lines))] == expected
        assert [line.get_color() for line in axes.lines] == [PALETTE[n] for n in range(2) for _ in places]
        assert [line.get_linestyle() for line in axes.lines] == ["-", "--"][: len(places)] * 2
    assert [text.get_text() for text in figure.axes[0].get_legend().texts] == NAMES
    assert blank_axes(figure) == []


def test_losses_without_a_discriminator_have_a_panel_of_their_own():
    table = training()
    alone = table.prior == "least_squares"
    table.loc[alone, ["d_loss", "real_logit", "fake_logit", "loss_slope", "d_accuracy"]] = math.nan
    figure = training_curves(table)
    assert [len(axes.lines) for axes in figure.axes if axes.lines] == [1, 1, 2, 1, 2, 1, 1]
    assert figure.axes[6].get_title() == "loss of priors without a discriminator"
    assert points(figure.axes[6], 0) == [(1, 12), (2, 13)]
    assert figure.axes[6].lines[0].get_color() == PALETTE[1]
    assert [text.get_text() for text in figure.axes[7].get_legend().texts] == NAMES


def test_gradients_are_drawn_on_a_log_axis():
    scales = {axes.get_title(): axes.get_yscale() for axes in training_curves(training()).axes}
    assert scales["norm of the generator's gradient"] == "log"
    assert scales["|dL_G/dl|, slope of the generator's loss"] == "log"
    assert scales["generator loss"] == "linear"


def test_fidelity_has_a_line_for_each_prior_and_the_floor():
    names = ["frechet_distance", "precision", "recall", "class_entropy", "density", "coverage"]
    rows = [{"prior": "none", "epoch": None, "classes_covered": 10} | dict.fromkeys(names, 0.9)]
    rows += [
        {"prior": prior, "epoch": epoch, "classes_covered": 10}
        | {name: (place + epoch + 3 * number) / 20 for place, name in enumerate(names)}
        for number, prior in enumerate(PRIORS)
        for epoch in (1, 2)
    ]
    figure = fidelity_curves(pd.DataFrame(rows))
    assert len(figure.axes) == 6
    for place, axes in enumerate(figure.axes):
        assert axes.get_title().lower().startswith(names[place].split("_")[0].replace("class", "entropy"))
        floor, *lines = axes.lines
        assert set(floor.get_ydata()) == {0.9} and floor.get_color() == GREY
        assert [line.get_label() for line in lines] == NAMES
        assert [line.get_color() for line in lines] == list(PALETTE[:2])
        for number in range(2):
            assert points(axes, number + 1) == [(1, (place + 1 + 3 * number) / 20), (2, (place + 2 + 3 * number) / 20)]
    assert figure.axes[0].get_yscale() == "log"
    assert blank_axes(figure) == []


def quality(name: str, condition: str) -> pd.DataFrame:
    restorers = [("minimax", "map"), ("minimax", "posterior_mean"), ("vae", "posterior_mean")]
    restorers += [("vae-flow", "posterior_mean"), ("none", "observed"), ("none", "tv"), ("none", "b")]
    return pd.DataFrame(
        [
            {"prior": prior, "method": method, condition: number, name: 20.0 - place - number}
            | {f"{name}_low": 19.0 - place - number, f"{name}_high": 22.0 - place - number}
            for place, (prior, method) in enumerate(restorers)
            for number in (0.0, 0.5)
        ]
    )


def test_posterior_means_have_a_line_each_and_the_best_stands_beside_rivals():
    figure = quality_curves(quality("psnr", "sigma"), "sigma", "psnr")
    own, others = figure.axes
    assert [line.get_label() for line in own.lines] == ["minimax", "VAE", "VAE + flow", "observed"]
    assert [line.get_color() for line in own.lines] == [PALETTE[0], PALETTE[1], PALETTE[1], GREY]
    assert [line.get_linestyle() for line in own.lines] == ["--", "--", "-", ":"]
    assert [line.get_label() for line in others.lines] == ["posterior mean, minimax", "TV", "b"]
    assert others.lines[1].get_marker() != others.lines[2].get_marker()
    assert [points(own, line) for line in range(4)] == [[(0, 20 - p), (0.5, 19.5 - p)] for p in (1, 2, 3, 4)]
    assert [points(others, line) for line in range(3)] == [[(0, 20 - p), (0.5, 19.5 - p)] for p in (1, 5, 6)]
    assert [text.get_text() for text in others.get_legend().texts] == ["posterior mean, minimax", "TV", "b"]
    assert blank_axes(figure) == []


def test_methods_have_a_panel_for_each_prior_and_a_line_each():
    figure = method_curves(quality("psnr", "sigma"), "sigma", "psnr")
    assert [axes.get_title() for axes in figure.axes] == ["minimax", "VAE", "VAE + flow"]
    assert [[line.get_label() for line in axes.lines] for axes in figure.axes] == [
        ["map", "posterior mean"],
        ["posterior mean"],
        ["posterior mean"],
    ]
    first = figure.axes[0].lines
    assert first[0].get_linestyle() != first[1].get_linestyle() and first[0].get_color() == first[1].get_color()
    assert blank_axes(figure) == []


def test_curves_lie_within_their_intervals():
    own, others = quality_curves(quality("psnr", "sigma"), "sigma", "psnr").axes
    assert (len(own.collections), len(others.collections)) == (4, 1)
    corners = own.collections[0].get_paths()[0].vertices
    assert {tuple(corner) for corner in corners} == {(0, 18), (0.5, 17.5), (0, 21), (0.5, 20.5)}


def test_axes_of_curves_name_what_is_shown():
    own, others = quality_curves(quality("hole_psnr", "holes"), "holes", "hole_psnr").axes
    assert (own.get_xlabel(), own.get_ylabel(), others.get_xlabel()) == ("holes", "hole PSNR, dB", "holes")
    assert own.get_xticks().tolist() == [0, 0.5]
    assert quality_curves(quality("psnr", "sigma"), "sigma", "psnr").axes[0].get_ylabel() == "PSNR, dB"


def test_what_is_infinite_is_left_out_of_curves():
    table = quality("psnr", "sigma")
    names = ["psnr", "psnr_low", "psnr_high"]
    table.loc[(table.method == "posterior_mean") & (table.sigma == 0), names] = math.nan
    own, others = quality_curves(table, "sigma", "psnr").axes
    assert points(own, 0) == points(others, 0) == [(0.5, 18.5)]
    assert len(points(own, 3)) == len(points(others, 1)) == 2


def test_more_rivals_than_markers_and_more_priors_than_colours_are_all_drawn():
    restorers = [(f"prior_{number}", "posterior_mean") for number in range(10)]
    restorers += [("none", f"rival_{number}") for number in range(9)]
    rows = [
        {"prior": prior, "method": method, "sigma": sigma, "psnr": place, "psnr_low": place, "psnr_high": place}
        for place, (prior, method) in enumerate(restorers)
        for sigma in (0.1, 0.2)
    ]
    own, others = quality_curves(pd.DataFrame(rows), "sigma", "psnr").axes
    assert (len(own.lines), len(others.lines)) == (10, 10)
    looks = {(line.get_color(), line.get_marker()) for line in others.lines[1:]}
    assert len(looks) == 9


def calibration() -> pd.DataFrame:
    rows = []
    for task in ("denoising", "inpainting"):
        for number, prior in enumerate(PRIORS):
            for condition in (1, 2):
                row = {"prior": prior, "task": task, "condition": condition, "r_hat": condition + 1.2 + number}
                for nominal, share in (("50", 0.4), ("90", 0.8)):
                    share = share + number / 100
                    name = f"coverage_{nominal}"
                    row |= {name: share, f"{name}_low": share - 0.1, f"{name}_high": share + 0.05}
                rows.append(row)
    return pd.DataFrame(rows)


def test_calibration_shows_both_intervals_and_both_tasks():
    figure = calibration_curves(calibration(), {"denoising": "sigma", "inpainting": "holes"})
    assert [axes.get_title() for axes in figure.axes] == ["denoising", "inpainting", "", ""]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "sigma", "holes"]
    for coverage in figure.axes[:2]:
        *curves, half, most = coverage.lines
        assert [set(line.get_ydata()) for line in (half, most)] == [{0.5}, {0.9}]
        assert [line.get_linestyle() for line in curves] == ["--", "-"] * 2
        assert [line.get_color() for line in curves] == [PALETTE[0]] * 2 + [PALETTE[1]] * 2
        expected = [[(1, share), (2, share)] for share in (0.4, 0.8, 0.4 + 0.01, 0.8 + 0.01)]
        assert [points(coverage, line) for line in range(4)] == expected
        assert len(coverage.collections) == 4
    for agreement in figure.axes[2:]:
        for number in range(2):
            assert points(agreement, number) == [(1, 2.2 + number), (2, 3.2 + number)]
        assert set(agreement.lines[2].get_ydata()) == {1}
    assert [text.get_text() for text in figure.legends[0].texts] == NAMES
    assert figure.axes[2].get_ylim() == figure.axes[3].get_ylim()
    assert blank_axes(figure) == []


def test_calibration_of_one_task_and_one_prior():
    table = calibration()
    one = table[(table.task == "inpainting") & (table.prior == "least_squares")]
    figure = calibration_curves(one, {"inpainting": "holes"})
    assert [axes.get_title() for axes in figure.axes] == ["inpainting", ""]
    assert [len(axes.lines) for axes in figure.axes] == [4, 2]
    assert blank_axes(figure) == []


def test_calibration_of_flows_has_panels_of_its_own():
    table = calibration()
    table.loc[table.prior == "least_squares", "prior"] = "minimax-flow"
    figure = calibration_curves(table, {"denoising": "sigma", "inpainting": "holes"})
    titles = ["denoising", "denoising, flow", "inpainting", "inpainting, flow"]
    assert [axes.get_title() for axes in figure.axes[:4]] == titles
    assert [len(axes.lines) for axes in figure.axes[:4]] == [4] * 4
    assert blank_axes(figure) == []


def solvers() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"solver": solver, "steps": steps, "seconds": steps / 100, "squared_error": 1 / steps, "psnr": 20.0 + steps}
            for solver in ("adam", "whitened")
            for steps in (1, 10)
        ]
    )


def test_solvers_have_a_line_each():
    figure = solver_curves(solvers(), pd.DataFrame({"restarts": [1, 2], "psnr": [20.0, 21.0]}))
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 1]
    error, quality, starts = figure.axes
    for line in range(2):
        assert points(error, line) == [(1, 1), (10, 0.1)]
        assert points(quality, line) == [(1, 21), (10, 30)]
    assert points(starts, 0) == [(1, 20), (2, 21)]
    assert [text.get_text() for text in error.get_legend().texts] == ["adam", "whitened"]
    assert error.lines[0].get_color() != error.lines[1].get_color()
    assert error.get_xscale() == error.get_yscale() == quality.get_xscale() == "log"
    assert blank_axes(figure) == []


def test_seconds_are_drawn_apart_from_steps():
    figure = solver_seconds(solvers())
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]
    error, quality = figure.axes
    assert points(error, 0) == [(0.01, 1), (0.1, 0.1)]
    assert points(quality, 1) == [(0.01, 21), (0.1, 30)]
    assert "seconds" in error.get_xlabel() and "seconds" in quality.get_xlabel()
    assert blank_axes(figure) == []
