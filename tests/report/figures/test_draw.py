"""All figures of studies that were made up: each is drawn, from the study's files, and again with the same bytes."""

import io
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure

from stages import measure, plot
from stages.pipeline import artifacts, named
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from stages.report.study import Study
from stages.report.style import PALETTE, figure_writer
from tests.drawn import is_drawn

FIGURES = {
    "calibration": {"calibration"},
    "completions": {"completions"},
    "density": {"density"},
    "features": {"features"},
    "fidelity": {"fidelity"},
    "inversion": {"inversion"},
    "modes": {"modes", "modes_hopping"},
    "likelihood": {"likelihood"},
    "leads": {"leads"},
    "losses": {"losses"},
    "norms": {"norms"},
    "overview": {"overview"},
    "samples": {"samples"},
    "saturation": {"saturation", "saturation_slopes", "saturation_grid", "saturation_updates"},
    "search": {"search", "search_seconds"},
    "spectra": {"spectra"},
    "tasks": {f"{task}{kind}" for task in ("denoising", "inpainting") for kind in ("", "_psnr", "_methods")},
    "training": {"training"},
    "transfer": {"transfer"},
}


def expected(name: str, study: Study) -> set[str]:
    """The figures of a module: one prior has no other loss beside it, and some studies have no rival."""
    alone = {"losses": len(study.params.priors) == 1, "leads": not any(study.params.rivals.values())}
    return set() if alone.get(name) else FIGURES[name]


def draw(name: str, study: Study) -> dict[str, Figure]:
    return named.module(named.FIGURES, name).draw(study)


def content(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure_writer(figure)(file)
    return file.getvalue()


def with_params(study: Study, **changes: object) -> Study:
    return Study(study.params.model_copy(update=changes))


def text_of(figures: Mapping[str, Figure]) -> str:
    """All titles and labels."""
    return "\n".join(
        text
        for figure in figures.values()
        for axes in figure.axes
        for text in (figure.get_suptitle(), axes.get_title(), axes.get_xlabel(), axes.get_ylabel())
    )


def test_every_figure_that_is_known_here_is_a_module():
    assert set(FIGURES) <= set(named.names(named.FIGURES))


@pytest.fixture(scope="module")
def plotted(folder, tmp_path_factory) -> Path:
    """The folder with all figures of either study, one after the other."""
    copied = tmp_path_factory.mktemp("plotted") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shutil.copytree(folder, copied))
        patch.setattr(sys, "argv", ["plot"])
        plot.main()
    return copied / artifacts.FIGURES


def test_plot_writes_every_figure_and_no_other_of_these_modules(plotted):
    names = {path.name for path in plotted.iterdir()}
    study = Study(load_params(plotted.parents[1] / "params.yaml"))
    added = {name for name in named.names(named.FIGURES) if name not in FIGURES}  # by somebody
    assert names - {f"{name}.png" for name in added} == {
        f"{figure}.png" for name in FIGURES for figure in expected(name, study)
    }
    assert plt.get_fignums() == []


def test_plot_removes_the_figures_of_an_earlier_study(plotted, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(plotted.parents[1], tmp_path / "study"))
    before = {path.name for path in artifacts.FIGURES.iterdir()}
    artifacts.FIGURES.joinpath("notes.txt").write_text("no figure")
    parameters = yaml.safe_load(Path("params.yaml").read_text())
    Path("params.yaml").write_text(yaml.safe_dump(parameters | {"tasks": ["inpainting"]}))
    monkeypatch.setattr(plot, "figure_writer", lambda _: lambda file: file.write(b"drawn"))
    for stage in (measure, plot):
        monkeypatch.setattr(sys, "argv", [stage.__name__])
        stage.main()
    left = {path.name for path in artifacts.FIGURES.iterdir()}
    assert left == before - {"denoising.png", "denoising_psnr.png", "denoising_methods.png", "transfer.png"} | {
        "notes.txt"
    }


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn_and_repeat_their_bytes(plotted, either, name):
    figures = draw(name, either)
    assert set(figures) == expected(name, either)
    for figure_name, figure in figures.items():
        path = plotted / f"{figure_name}.png"
        assert is_drawn(path), figure_name
        if either.labelled:  # the figures of the other study are written in the same way, and writing takes long
            assert content(figure) == path.read_bytes(), figure_name


def test_figures_show_the_study_that_is_there(study):
    figures = draw("tasks", study)
    seen = study.by_prior("denoising", "least_squares")
    shown = figures["denoising"].axes[0].images[0].get_array()
    assert np.array_equal(shown, np.concatenate(seen.observed.images[:4, 0], axis=1))
    own, _ = figures["denoising_psnr"].axes
    table = study.task_table("denoising")
    rows = table[(table.prior == "least_squares") & (table.method == "posterior_mean") & table.psnr.notna()]
    line = next(line for line in own.lines if line.get_label() == "least squares")
    assert np.array_equal(line.get_xydata(), rows[["sigma", "psnr"]])


@pytest.mark.parametrize(("name", "words"), [("fidelity", "entropy of the classes"), ("features", "class")])
def test_images_without_labels_have_no_panel_of_classes(either, name, words):
    assert (words in text_of(draw(name, either))) == either.labelled


@pytest.mark.parametrize(
    ("name", "with_labels", "without"), [("fidelity", [3, 3], [3, 2]), ("features", [2, 2], [1, 2])]
)
def test_panels_that_are_left_out_leave_no_hole(either, name, with_labels, without):
    """The panels of each row take its whole width, all alike."""
    places = [axes.get_subplotspec() for axes in draw(name, either)[name].axes]
    columns = places[0].get_gridspec().ncols
    rows = [[len(place.colspan) for place in places if place.rowspan.start == row] for row in (0, 1)]
    assert [len(row) for row in rows] == (with_labels if either.labelled else without)
    assert all(row == [columns // len(row)] * len(row) for row in rows)


def test_without_rivals_there_is_one_panel_of_quality(either):
    figures = draw("tasks", either)
    for task in ("denoising", "inpainting"):
        assert len(figures[f"{task}_psnr"].axes) == (2 if either.params.rivals[task] else 1)


@pytest.mark.parametrize(
    ("name", "figure"), [("tasks", "denoising"), ("tasks", "inpainting"), ("inversion", "inversion")]
)
def test_a_pixel_of_a_large_picture_has_a_dot_and_a_half_at_least(pictures, name, figure):
    drawn = draw(name, pictures)[figure]
    drawn.canvas.draw()
    for axes in drawn.axes:
        assert axes.get_window_extent().width / axes.images[0].get_array().shape[1] > 1.5


def test_completions_are_of_the_best_prior_and_the_first_task_that_hides(study):
    assert "non-saturating, holes 2" in text_of(draw("completions", study))
    assert "least squares, holes 2" in text_of(
        draw("completions", with_params(study, priors=["least_squares"], flows=[]))
    )


def test_what_no_task_has_is_not_drawn(study):
    whole, hidden = with_params(study, tasks=["denoising"]), with_params(study, tasks=["inpainting"])
    assert draw("completions", whole) == {} and draw("transfer", hidden) == {}
    assert set(draw("transfer", whole)) == {"transfer"} and set(draw("completions", hidden)) == {"completions"}
    assert set(draw("tasks", hidden)) == {"inpainting", "inpainting_psnr", "inpainting_methods"}


def test_a_prior_has_one_colour_in_all_figures(study):
    found = {
        "training": draw("training", study)["training"].axes[0].lines[1],
        "fidelity": draw("fidelity", study)["fidelity"].axes[0].lines[2],
        "calibration": draw("calibration", study)["calibration"].axes[4].lines[1],
        "transfer": draw("transfer", study)["transfer"].axes[1].lines[0],
    }
    assert {line.get_color() for line in found.values()} == {PALETTE[1]}
    labels = {axes.get_ylabel(): axes.yaxis.label for axes in draw("inversion", study)["inversion"].axes}
    assert labels["G(z*)\nnon-saturating"].get_color() == PALETTE[1]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("calibration", "metrics/calibration.csv"),
        ("completions", "data/restored/inpainting/non_saturating.npz"),
        ("density", "metrics/jacobian.csv"),
        ("features", "metrics/traits.csv"),
        ("fidelity", "metrics/fidelity.csv"),
        ("inversion", "data/restored/generated/least_squares.npz"),
        ("modes", "metrics/modes.csv"),
        ("leads", "metrics/paired.csv"),
        ("losses", "metrics/paired.csv"),
        ("norms", "metrics/norms.csv"),
        ("overview", "data/combined/inpainting/non_saturating.npz"),
        ("samples", "data/training/least_squares/samples.npz"),
        ("search", "data/solvers/seconds.csv"),
        ("spectra", "metrics/spectra.csv"),
        ("tasks", "metrics/inpainting.csv"),
        ("training", "metrics/training.csv"),
        ("transfer", "metrics/noise.csv"),
    ],
)
def test_a_figure_whose_file_is_missing_names_it(study, name, path):
    Path(path).unlink()
    with pytest.raises(UserError, match=f"^{path}: no such file"):
        draw(name, study)


@pytest.mark.parametrize(
    "name", ["calibration", "density", "features", "fidelity", "spectra", "training", "transfer", "tasks"]
)
def test_a_figure_of_priors_that_a_table_lacks_is_refused(study, name):
    fewer = with_params(study, priors=["non_saturating", "least_squares", "minimax"], tasks=["denoising"])
    with pytest.raises(UserError, match="minimax"):
        draw(name, fewer)
