"""What metrics/columns.csv says of every column."""

import pandas as pd
import pytest

from stages.pipeline import artifacts
from stages.report.columns import MEANINGS, OWN, column_rows, meaning
from stages.report.schemas import COLUMNS, OF_LOSSES, task_columns

TASKS = {
    "denoising": task_columns("sigma", hides=False, labelled=True),
    "inpainting": task_columns("holes", hides=True, labelled=True),
}
TABLES = {name: list(columns) for name, columns in (COLUMNS | OF_LOSSES | TASKS).items()}
UNKNOWN = meaning("anything", "foreign")


def test_every_column_is_explained_and_no_other():
    rows = column_rows(TABLES)
    assert [(row["table"], row["column"]) for row in rows] == [(name, own) for name in TABLES for own in TABLES[name]]
    assert not [row for row in rows if row["meaning"] == UNKNOWN]
    assert set(MEANINGS) <= {column for columns in TABLES.values() for column in columns}
    assert all(set(own) <= set(TABLES[name]) for name, own in OWN.items())


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("denoising", "psnr_low", "lower end of the 95 % interval of psnr"),
        ("saturation_falls", "g_grad_fall_high", "the most of all seeds' g_grad_fall"),
        ("jacobian", "low", "5th percentile over codes"),
        ("inversion", "recovered", "below 0.0001"),
        ("scattered", "missing", "the condition, from the task's grid in params.yaml"),
    ],
)
def test_what_is_said_of_a_column(table, column, words):
    assert words in meaning(table, column)


def test_the_committed_tables_are_explained_there():
    explained = pd.read_csv(artifacts.METRICS / "columns.csv")
    for name in {path.stem for path in artifacts.METRICS.glob("*.csv")} - {"columns"}:
        columns = pd.read_csv(artifacts.table(name), nrows=0).columns.tolist()
        assert explained[explained.table == name].column.tolist() == columns
