"""The tables of studies that were made up: complete, in order, and as their schemas say."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from stages import measure
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.report.schemas import COLUMNS, OF_LABELS, OF_LOSSES, table_columns, task_columns
from stages.report.tables import all_tables

PRIORS = ["least_squares", "non_saturating"]
TASKS = ["denoising", "inpainting"]


@pytest.fixture
def tables(study) -> dict[str, pd.DataFrame]:
    return all_tables(study)


def test_every_table_has_the_columns_of_its_schema_and_no_others(either):
    tables = all_tables(either)
    schemas = {name: table_columns(name, either.labelled) for name in COLUMNS} | OF_LOSSES
    schemas["denoising"] = task_columns("sigma", hides=False, labelled=either.labelled)
    schemas["inpainting"] = task_columns("holes", hides=True, labelled=either.labelled)
    without = set() if any(either.params.rivals.values()) else {"paired"}
    without |= set() if either.params.flows else {"flows"}
    assert set(tables) == set(schemas) - without
    for name, table in tables.items():
        assert sorted(table.columns) == sorted(schemas[name]), name


def test_what_measure_has_written_can_be_read_again(either):
    for name, table in all_tables(either).items():
        if name in OF_LOSSES:
            read = either.table_of_losses(name)
        else:
            read = either.task_table(name) if name in TASKS else either.table(name)
        assert len(read) == len(table), name


def test_columns_and_rows_of_labels_are_those_of_images_with_labels(either):
    tables = all_tables(either)
    columns = {column for table in tables.values() for column in table}
    assert columns & set(OF_LABELS) == (set(OF_LABELS) if either.labelled else set())
    features = {"class", "thickness", "place"} if either.labelled else {"thickness", "place"}
    assert set(tables["features"].feature) == features


def test_measure_says_once_what_is_left_out_without_labels(pictures, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["measure"])
    measure.main()
    (line,) = capsys.readouterr().err.splitlines()
    words = "left out are label_accuracy, classes_covered, class_entropy and features by class"
    assert line == f"measure: the images have no labels: {words}"
    assert "classifier" not in json.loads(artifacts.METRICS.joinpath("summary.json").read_text())


def test_measure_has_nothing_to_say_of_images_with_labels(study, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["measure"])
    measure.main()
    assert capsys.readouterr().err == ""


def test_rows_of_priors_come_in_their_order_and_others_last(tables):
    for name in ("inversion", "denoising", "inpainting"):
        assert list(tables[name].prior.unique()) == [*PRIORS, "none"]
    for name in ("training", "paired", "calibration", "spectra", "transfer", "noise", "features", "traits", "jacobian"):
        assert list(tables[name].prior.unique()) == PRIORS
    assert list(tables["norms"].prior.unique()) == ["non_saturating"]


def test_every_method_has_a_row_under_every_condition(tables):
    methods = ["plain", "map", "posterior_mean", "combined"]
    rivals = {"denoising": ["observed", "tv", "bm3d", "combined"], "inpainting": ["observed", "telea", "combined"]}
    for task, column, conditions in (("denoising", "sigma", [0, 0.3, 0.6]), ("inpainting", "holes", [1, 2])):
        restorers = [(prior, "normal", method) for prior in PRIORS for method in methods]
        restorers += [("non_saturating", "flow", method) for method in methods[1:]]
        restorers += [("none", "none", method) for method in rivals[task]]
        rows = tables[task][["prior", "latent", "method", column]].itertuples(index=False, name=None)
        assert list(rows) == [(*restorer, condition) for restorer in restorers for condition in conditions]
        assert set(tables[task].n) == {4}
    inversion = tables["inversion"]
    assert list(inversion[inversion.prior == "none"].source) == ["train", "test"]
    for prior in PRIORS:
        own = inversion[inversion.prior == prior]
        assert list(zip(own.method, own.source, strict=True)) == [
            (method, source) for method in ("plain", "map", "whitened") for source in ("generated", "train", "test")
        ]


def test_noise_is_of_denoising_alone_and_of_methods_with_codes(tables):
    for name in ("transfer", "noise"):
        assert sorted(tables[name].sigma.unique()) == pytest.approx([0.3, 0.6])
        assert set(tables[name].method) == {"plain", "map"}
    assert set(tables["noise"].linear_gain) == {5 / 28**2}


def test_paired_rows_are_against_every_rival_and_not_what_was_observed(tables):
    against = tables["paired"].groupby("task").against.unique()
    assert {task: list(rivals) for task, rivals in against.items()} == {
        "denoising": ["tv", "bm3d", "combined", "least_squares", "non_saturating"],
        "inpainting": ["telea", "combined", "least_squares", "non_saturating"],
    }


def test_priors_are_paired_with_those_before_them(tables):
    """By their posterior means: of k priors each pair once."""
    paired = tables["paired"].query("task == 'denoising' and method == 'posterior_mean' and condition == 0.3")
    pairs = paired[paired.against.isin([*PRIORS, "non_saturating-flow"])]
    assert list(pairs[["prior", "latent", "against"]].itertuples(index=False, name=None)) == [
        ("non_saturating", "normal", "least_squares"),
        ("non_saturating", "flow", "least_squares"),
        ("non_saturating", "flow", "non_saturating"),
    ]


def test_flows_have_a_history(tables):
    assert list(tables["flows"].itertuples(index=False, name=None)) == [
        ("non_saturating", "flow", 1, 1, -0.5, 0.5),
        ("non_saturating", "flow", 2, 2, 0.5, 0.5),
    ]


def test_what_images_cost_stands_in_the_order_of_the_study(tables):
    density = tables["density"]
    made = ["test", "upside_down", "shuffled", "inverted", "noise", "blurred", "blank"]
    assert list(density.images) == [*made, "flow", "least_squares", "non_saturating", "non_saturating-flow"]
    assert set(density.model) == {"flow"} and set(density.n) == {3}
    assert list(density.bits_per_dim) == pytest.approx([2.0 + place for place in range(len(density))])
    assert (density.low < density.bits_per_dim).all() and (density.bits_per_dim < density.high).all()


def test_singular_values_are_medians_over_codes_from_the_largest(tables):
    own = tables["jacobian"].query("prior == 'least_squares'")
    assert list(own["index"]) == [1, 2, 3, 4, 5] and set(own.n) == {2}
    assert list(own.singular_value) == pytest.approx(1.5 * np.exp(-np.arange(5)))
    assert list(own.high / own.low) == pytest.approx([1.95 / 1.05] * 5)


def test_generated_images_are_taken_for_what_is_seen_in_them(tables):
    inversion = tables["inversion"]
    assert set(inversion[inversion.source == "generated"].label_accuracy) == {1}
    features = tables["features"]
    drawn = features[(features.source == "generated") & (features.feature == "class")]
    assert set(zip(drawn.value, drawn.n, strict=True)) == {(0, 2), (1, 2)}


def test_a_task_without_noise_has_no_tables_of_noise(study):
    params = study.params.model_copy(update={"tasks": ["inpainting"]})
    tables = all_tables(type(study)(params))
    assert set(COLUMNS) - set(tables) == {"transfer", "noise"}
    assert "denoising" not in tables and set(tables["paired"].task) == {"inpainting"}


def test_without_rivals_nothing_is_paired(study):
    alone = {"priors": ["non_saturating"], "flows": [], "rivals": {task: [] for task in TASKS}}
    tables = all_tables(type(study)(study.params.model_copy(update=alone)))
    assert set(COLUMNS) - set(tables) == {"paired", "flows"}
    rows = tables["denoising"]
    assert list(rows[rows.prior == "none"].method.unique()) == ["observed"]


def test_measure_removes_the_tables_of_an_earlier_study(study, monkeypatch):
    before = {path.name for path in artifacts.METRICS.iterdir()}
    assert before == {f"{name}.csv" for name in (*COLUMNS, *OF_LOSSES, *TASKS, "columns")} | {"summary.json"}
    artifacts.METRICS.joinpath("notes.txt").write_text("no table")
    parameters = yaml.safe_load(Path("params.yaml").read_text())
    Path("params.yaml").write_text(yaml.safe_dump(parameters | {"tasks": ["inpainting"]}))
    monkeypatch.setattr(sys, "argv", ["measure"])
    measure.main()
    left = {path.name for path in artifacts.METRICS.iterdir()}
    assert left == before - {"denoising.csv", "transfer.csv", "noise.csv"} | {"notes.txt"}
    assert "denoising" not in json.loads(artifacts.METRICS.joinpath("summary.json").read_text())


@pytest.mark.parametrize(
    "path",
    [
        artifacts.training("non_saturating", "history.csv"),
        artifacts.FIDELITY,
        artifacts.likelihood("non_saturating-flow"),
        artifacts.observed("inpainting"),
        artifacts.generated("least_squares"),
        artifacts.restored_by_prior("denoising", "least_squares"),
        artifacts.restored_by_prior("generated", "non_saturating"),
        artifacts.restored_by_rival("denoising", "bm3d"),
        artifacts.combined("denoising", "none"),
        artifacts.combined("inpainting", "least_squares"),
        artifacts.labels("inversion"),
        artifacts.NORMS / "restored.npz",
        artifacts.DENSITY / "bits.npz",
        artifacts.DENSITY / "jacobian.npz",
    ],
    ids=str,
)
def test_a_missing_file_is_named(study, path):
    path.unlink()
    with pytest.raises(UserError, match=f"{path}: no such file"):
        all_tables(study)
