"""What may stand in the tables of metrics/, and what is refused by name."""

from pathlib import Path

import pytest

from stages.pipeline.errors import UserError
from stages.pipeline.storage import WORD, load_table
from stages.report.schemas import COLUMNS, OF_LABELS, table_columns, task_columns

KEYS = {"modes": ("data", "loss", "order"), "inner_minimum": ("data", "loss", "order"), "density": ("model", "images")}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_table_has_keys_and_numbers(name):
    assert all(COLUMNS[name][key] == WORD for key in KEYS.get(name, ("prior", "latent")))
    assert any(cell != WORD for cell in COLUMNS[name].values())


def test_the_table_of_a_task_begins_with_its_condition_and_what_was_missing():
    hidden, noisy = task_columns("holes", hides=True, labelled=True), task_columns("sigma", hides=False, labelled=True)
    shared = ["n", "psnr", "ssim", "label_accuracy"]
    assert [name for name in hidden if name not in noisy] == [
        "holes",
        *("hole_psnr", "hole_psnr_low", "hole_psnr_high", "hole_mse", "known_psnr"),
    ]
    assert [name for name in noisy if name not in hidden] == [
        "sigma",
        *("psnr_low", "psnr_high", "mse", "observed_psnr"),
    ]
    assert set(shared) <= set(hidden) & set(noisy)


def test_without_labels_a_table_has_the_columns_that_need_none():
    for name in COLUMNS:
        assert list(table_columns(name, labelled=True)) == list(COLUMNS[name])
        left_out = set(COLUMNS[name]) - set(table_columns(name, labelled=False))
        assert left_out == {"fidelity": {"classes_covered", "class_entropy"}, "inversion": {"label_accuracy"}}.get(
            name, set()
        )
    for hides in (False, True):
        with_labels, without = (list(task_columns("x", hides, labelled)) for labelled in (True, False))
        assert with_labels == [*without, "label_accuracy"]
    assert set(OF_LABELS) == {"label_accuracy", "classes_covered", "class_entropy"}


def spoilt(path: Path, column: str, cell: str) -> Path:
    """The table with another cell in its second row."""
    head, first, second, *rest = path.read_text().splitlines()
    cells = second.split(",")
    cells[head.split(",").index(column)] = cell
    path.write_text("\n".join([head, first, ",".join(cells), *rest]) + "\n")
    return path


@pytest.mark.parametrize(
    ("name", "column", "cell", "allowed"),
    [
        ("training", "g_loss", "none", "a finite number"),
        ("flows", "step", "0", "at least 1"),
        ("fidelity", "recall", "1.5", "0 to 1"),
        ("inversion", "mse", "-0.1", "at least 0"),
        ("inversion", "mse", "", "at least 0"),
        ("inversion", "psnr", "high", "a finite number"),
        ("paired", "difference", "inf", "a finite number"),
        ("calibration", "coverage_90", "nan", "0 to 1"),
        ("norms", "norm", "", "a word"),
        ("likelihood", "floor", "-1", "at least 0"),
        ("spectra", "residual_share", "all", "at least 0"),
        ("noise", "n", "0", "at least 1"),
        ("features", "share_of_pixels", "2", "0 to 1"),
        ("traits", "kept", "much", "a finite number"),
        ("density", "bits_per_dim", "", "a finite number"),
        ("jacobian", "singular_value", "-1", "at least 0"),
    ],
)
def test_a_cell_that_may_not_be_is_named_with_its_row(study, name, column, cell, allowed):
    path = spoilt(Path("metrics") / f"{name}.csv", column, cell)
    with pytest.raises(UserError, match=f"^{path}: {column} = '{cell}' in row 2: allowed is {allowed}"):
        load_table(path, COLUMNS[name])


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("inversion", "psnr"),
        ("inversion", "z_norm"),
        ("traits", "kept"),
        ("fidelity", "epoch"),
        ("training", "d_loss"),
    ],
)
def test_what_is_infinite_or_undefined_may_be_empty(study, name, column):
    table = load_table(spoilt(Path("metrics") / f"{name}.csv", column, ""), COLUMNS[name])
    assert table[column].isna().tolist()[1]


def test_words_may_be_numbers_and_the_word_none_stays_one(study):
    features = load_table(Path("metrics/features.csv"), COLUMNS["features"])
    assert {"0", "1", "edge"} <= set(features.value)
    assert "none" in set(load_table(Path("metrics/inversion.csv"), COLUMNS["inversion"]).prior)
