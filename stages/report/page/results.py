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
    columns = tuple(sorted(keys))
    grouped = _grouped(path.absolute(), path.stat().st_mtime_ns, columns)
    if isinstance(grouped, str):
        raise UserError(f"{path}: {grouped}")
    return list(grouped.get(tuple(_word(keys[column]) for column in columns), []))


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
def _table(path: Path, _modified: int) -> list[Row]:
    """All rows; read again when the file has changed."""
    records = read_table(path).to_dict(orient="records")
    return [Row(**{str(name): None if value != value else value for name, value in row.items()}) for row in records]


@functools.lru_cache(maxsize=512)
def _grouped(path: Path, modified: int, columns: tuple[str, ...]) -> dict[tuple[str, ...], list[Row]] | str:
    """The rows by what they have in these columns, as words; or what is wrong with the columns."""
    table = _table(path, modified)
    if table and (missing := [column for column in columns if not hasattr(table[0], column)]):
        return f"column {missing[0]!r} is missing; it has {', '.join(vars(table[0]))}"
    grouped: dict[tuple[str, ...], list[Row]] = {}
    for row in table:
        grouped.setdefault(tuple(_word(getattr(row, column)) for column in columns), []).append(row)
    return grouped


def _word(value: object) -> str:
    """A value as tables spell it: 0.3, 3, true, none."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)
