"""Single numbers and rows of the tables that people read, for the report's text."""

import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import read_table

Row = SimpleNamespace  # an attribute for each column; None for an empty cell


def rows(name: str, **keys: Any) -> list[Row]:
    """The rows of a table in which every column of `keys` has the value given, in the table's order.

    `name` is a table of metrics/, or `folder/table` of data/: `other_images/emoji/denoising`, `long_runs/unet`. A table
    that the study does not have, such as `flows` without flows, has no rows. Raises UserError for a damaged table and
    for a column that it lacks.
    """
    path = table_path(name)
    if not path.exists():
        return []
    table, words = _table(path.absolute(), path.stat().st_mtime_ns)
    if table and (missing := sorted(keys.keys() - words[0].keys())):
        raise UserError(f"{path}: column {missing[0]!r} is missing; it has {', '.join(words[0])}")
    wanted = {column: _word(value) for column, value in keys.items()}.items()
    return [row for row, own in zip(table, words, strict=True) if wanted <= own.items()]


def cell(name: str, column: str, **keys: Any) -> Any:
    """The value of a column in the one row that `keys` pick. Raises UserError if they pick none or several."""
    found = rows(name, **keys)
    asked = ", ".join([repr(name), repr(column), *(f"{key}={value!r}" for key, value in keys.items())])
    if len(found) != 1:
        raise UserError(f"cell({asked}): {table_path(name)} has {len(found)} such rows: allowed is 1")
    if not hasattr(found[0], column):
        raise UserError(f"cell({asked}): {table_path(name)} has no column {column!r}")
    return getattr(found[0], column)


def table_path(name: str) -> Path:
    """Where a table lies."""
    folder, _, table = name.rpartition("/")
    return Path("data", folder, f"{table}.csv") if folder else artifacts.table(table)


@functools.lru_cache(maxsize=64)
def _table(path: Path, _modified: int) -> tuple[list[Row], list[dict[str, str]]]:
    """All rows, and their values as words; read again when the file has changed."""
    records = [
        {str(name): None if value != value else value for name, value in row.items()}
        for row in read_table(path).to_dict(orient="records")
    ]
    words = [{name: _word(value) for name, value in row.items()} for row in records]
    return [Row(**row) for row in records], words


def _word(value: object) -> str:
    """A value as tables spell it: 0.3, 3, true, none."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)
