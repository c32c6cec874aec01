"""How files are written and read: whole or not at all, without pickles, and checked against what they should hold.

Arrays are npz, weights safetensors, tables CSV, scalars JSON. A file is written under a name that nobody can guess
beside its place and then moved into it, so a stage that is killed leaves an old file or a new one and never half of
one. Several files can be published as a set: all are complete before the first is moved.
"""

import contextlib
import fcntl
import hashlib
import itertools
import json
import math
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import safetensors.numpy
from safetensors import safe_open

from stages.pipeline.errors import UserError

Writer = Callable[[IO[bytes]], object]  # fills an open file
Arrays = dict[str, np.ndarray]
Row = dict[str, Any]  # of a table


# Writing.


def publish(writers: Mapping[Path, Writer]) -> None:
    """Write files as a set: all are complete on the disk before the first takes its place.

    Raises UserError if a file cannot be written, or for arrays, weights or JSON that are not finite: every old file
    then stays as it was. Only an error while the finished files are moved can leave some of them old.
    """
    with contextlib.ExitStack() as partials:
        finished = {path: partials.enter_context(_partial(path, write)) for path, write in writers.items()}
        for path, partial in finished.items():
            with _refusal(path):
                os.replace(partial, path)


def publish_folder(folder: Path, suffix: str, writers: Mapping[str, Writer]) -> None:
    """Write the files of a folder as a set, by name; files with this suffix that are not in the set are removed."""
    paths = {folder / name: write for name, write in writers.items()}
    publish(paths)
    for path in set(folder.glob(f"*{suffix}")) - paths.keys():
        with _refusal(path):
            path.unlink()


@contextlib.contextmanager
def new_folder(path: Path, numbered: bool) -> Iterator[Path]:
    """A folder that nobody had; if `path` is taken it is `<path>-2`, or -3, ... if `numbered`.

    Raises UserError if it cannot be made or, not `numbered`, is taken. Gone again if nothing was written to it in time.
    """
    folder = path
    for number in itertools.count(2):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            break
        except FileExistsError as error:
            if Path(error.filename) != folder:
                raise UserError(f"{folder}: cannot be made: {error.filename} is no folder") from None
            if not numbered:
                raise UserError(f"{folder}: it exists already: allowed is a new folder") from None
            folder = path.with_name(f"{path.name}-{number}")
        except OSError as error:
            raise UserError(f"{folder}: cannot be made: {error.strerror or error}") from None
    try:
        yield folder
    except BaseException:
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()
        raise


def array_writer(arrays: Mapping[str, np.ndarray]) -> Writer:
    """An uncompressed npz, so that the same numbers are the same bytes; NaN and infinity are refused."""

    def write(file: IO[bytes]) -> None:
        _refuse_infinite(arrays)
        np.savez(file, allow_pickle=False, **arrays)  # type: ignore[arg-type]  # none is called "file"

    return write


def weight_writer(weights: Mapping[str, np.ndarray], arguments: Mapping[str, int]) -> Writer:
    """A state dict as safetensors, with the arguments that build its network as metadata; no NaN and no infinity."""
    metadata = {"arguments": json.dumps(dict(arguments))}  # one entry: several come in an order that varies
    contiguous = {name: np.ascontiguousarray(array) for name, array in weights.items()}

    def write(file: IO[bytes]) -> None:
        _refuse_infinite(contiguous)
        # As bytes, since the library's own way into a file leaves its temporary one behind when it is killed.
        file.write(safetensors.numpy.save(contiguous, metadata=metadata))

    return write


def table_writer(rows: pd.DataFrame | Sequence[Row]) -> Writer:
    """CSV: `prior` first, six significant digits, an empty cell for what is not finite."""
    table = pd.DataFrame(rows).replace([np.inf, -np.inf], np.nan)
    if "prior" in table:
        table.insert(0, "prior", table.pop("prior"))
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    return lambda file: file.write(text.encode())


def json_writer(content: object) -> Writer:
    """JSON; NaN and infinity are refused, since JSON has neither."""

    def write(file: IO[bytes]) -> None:
        try:
            file.write((json.dumps(content, indent=2, allow_nan=False) + "\n").encode())
        except ValueError:
            raise NotFiniteError("a number") from None

    return write


@contextlib.contextmanager
def _partial(path: Path, write: Writer) -> Iterator[Path]:
    """A complete file beside `path`, gone at the end unless it was moved; locked, so that it is known to be in use."""
    with _refusal(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        _remove_leftovers(path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    try:
        with _refusal(path):
            # Never an existing file and never through a link; readable to whom the user's umask lets read.
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
            with open(descriptor, "w+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not partial.exists():  # another writer took it for a leftover before it was locked
                    raise OSError(0, "another process writes it")
                write(file)
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave the new name with nothing behind it
                yield partial
    finally:
        with contextlib.suppress(OSError):  # where even this is refused, the first refusal is the one to tell
            partial.unlink()


def _remove_leftovers(path: Path) -> None:
    """Remove what writers of `path` that were killed left behind: partial files that nobody holds a lock on."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe of that name, whoever put it there, is not waited for
    for leftover in path.parent.glob(f".{path.name}.*.partial"):
        with contextlib.suppress(OSError), open(os.open(leftover, flags)) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()


@contextlib.contextmanager
def _refusal(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
    except NotFiniteError as error:
        raise UserError(f"{path}: not written: {error} is not finite, so the computation went wrong") from None


def _refuse_infinite(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise NotFiniteError for NaN or infinity."""
    for name, array in arrays.items():
        if not _finite(array):
            raise NotFiniteError(f"array {name!r}")


class NotFiniteError(Exception):
    """What is to be written has NaN or infinity; the message says where."""


# Reading.


@dataclass(frozen=True)
class Array:
    """What one array of a file must be.

    `axes` are lengths: a number, or a letter that stands for the same length in all arrays of the file.
    """

    dtype: str  # float32, uint8, bool, int64, ...; "str" for words
    axes: tuple[str | int, ...]
    low: float = -math.inf
    high: float = math.inf
    required: bool = True


@dataclass(frozen=True)
class Number:
    """What one number of a file must be."""

    low: float = -math.inf
    high: float = math.inf
    empty: bool = False  # whether a table's cell may be empty


WORD = "word"  # a table's column of words; they may be numbers


def load_arrays(path: Path, schema: Mapping[str, Array], others: Callable[[str], Array | None] | None = None) -> Arrays:
    """Read an npz. `others` gives what an array that `schema` does not name must be, None for one that may not be.

    Raises UserError if the file is missing, damaged, pickled, or does not hold what it should.
    """
    with _readable(path, "npz without pickles"):
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("it holds a single array")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):  # numpy gives other members as bytes
            raise ValueError("it holds something else than arrays")
    lengths: dict[str, int] = {}
    for name, expected in schema.items():
        if name in arrays:
            _check_array(path, name, arrays[name], expected, lengths)
        elif expected.required:
            raise UserError(f"{path}: array {name!r} is missing; it has {', '.join(sorted(arrays))}")
    for name in arrays.keys() - schema.keys():
        wanted = others(name) if others else None
        if wanted is None:
            raise UserError(f"{path}: array {name!r} does not belong in it")
        _check_array(path, name, arrays[name], wanted, lengths)
    return arrays


def load_weights(path: Path) -> tuple[Arrays, dict[str, int]]:
    """Read safetensors and the arguments saved with it. Raises UserError if it is missing, damaged or not finite."""
    with _readable(path, "safetensors file"), safe_open(path, framework="numpy") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        arguments = json.loads((file.metadata() or {})["arguments"])
    if not isinstance(arguments, dict) or not all(type(value) is int for value in arguments.values()):
        raise UserError(f"{path}: not a readable safetensors file: its metadata are {arguments!r}")
    for name, array in weights.items():
        _check_finite(path, f"weight {name!r}", array)
    return weights, arguments


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV that `table_writer` wrote, whatever its columns. Raises UserError if it is missing or damaged."""
    with _readable(path, "CSV"):
        return pd.read_csv(path, keep_default_na=False, na_values=[""])


def load_table(path: Path, columns: Mapping[str, Number | str]) -> pd.DataFrame:
    """Read a CSV that `table_writer` wrote; the word `none` stays a word.

    `columns` says of each column whether it holds a WORD or a Number. Raises UserError if the file is missing, damaged,
    empty, lacks a column or has another value in it.
    """
    with _readable(path, "CSV"):
        table = pd.read_csv(path, keep_default_na=False, dtype=str)
        if not isinstance(table.index, pd.RangeIndex):  # what pandas makes of a first column without a name
            raise ValueError("its rows have more cells than its head")
    missing = [name for name in columns if name not in table]
    if missing:
        raise UserError(f"{path}: column {missing[0]!r} is missing; it has {', '.join(table.columns)}")
    if table.empty:
        raise UserError(f"{path}: it has no rows")
    for name, expected in columns.items():
        cells = table[name].fillna("")
        if isinstance(expected, Number):
            values = pd.to_numeric(cells.where(cells != ""), errors="coerce")
            fine = np.isfinite(values) & values.between(expected.low, expected.high)
            fine |= expected.empty & (cells == "")
            table[name] = values
        else:
            fine = cells != ""
        if not fine.all():
            row = int((~fine).to_numpy().argmax())
            raise UserError(f"{path}: {name} = {cells.iloc[row]!r} in row {row + 1}: {_allowed(expected)}")
    whole = [name for name in columns if _whole(table[name])]
    return table[list(columns)].astype(dict.fromkeys(whole, int))


def load_numbers(path: Path, numbers: Mapping[str, Number]) -> dict[str, float]:
    """Numbers of a JSON object. Raises UserError if the file is missing, damaged or has other numbers."""
    with _readable(path, "JSON object"):
        content = json.loads(path.read_text(encoding="utf-8"), parse_int=float)
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a readable JSON object")
    for name, expected in numbers.items():
        value = content.get(name)
        if not isinstance(value, float) or not math.isfinite(value) or not expected.low <= value <= expected.high:
            raise UserError(f"{path}: {name} = {value!r}: {_allowed(expected)}")
    return {name: content[name] for name in numbers}


def load_word(path: Path, name: str, allowed: Sequence[str]) -> str:
    """A word of a JSON object. Raises UserError if the file is missing, damaged or has another word."""
    with _readable(path, "JSON object"):
        content = json.loads(path.read_text(encoding="utf-8"))
    value = content.get(name) if isinstance(content, dict) else None
    if value not in allowed:
        raise UserError(f"{path}: {name} = {value!r}: allowed is {' or '.join(allowed)}")
    return str(value)


def map_array(path: Path) -> np.ndarray:
    """The array of an .npy, mapped and not read. Raises UserError if it is missing, cut short, pickled or no .npy."""
    with _readable(path, "npy without pickles", "no such file"):
        with open(path, "rb") as file:
            if file.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
                raise ValueError("it does not begin as one")
        return np.load(path, mmap_mode="r", allow_pickle=False)


def sha256(path: Path) -> str:
    """SHA-256 of a file, read in blocks. Raises UserError if it cannot be read."""
    with _readable(path, "file", "no such file"), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _readable(path: Path, kind: str, missing: str = "no such file; `dvc repro` makes it") -> Iterator[None]:
    """Turn what a reader raises into a UserError that names the file."""
    try:
        if not path.exists():
            raise FileNotFoundError
        if not path.is_file():
            raise UserError(f"{path}: not a file")
        open(path, "rb").close()  # safetensors calls a file missing that it may not read
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: {missing}") from None
    except PermissionError:
        raise UserError(f"{path}: may not be read by this user") from None
    except (UserError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib, numpy, pandas, json each raise their own kinds for damaged bytes
        raise UserError(f"{path}: not a readable {kind}: {' '.join(str(error).split())}") from None


def _check_array(path: Path, name: str, array: np.ndarray, expected: Array, lengths: dict[str, int]) -> None:
    kind = "str" if array.dtype.kind == "U" else str(array.dtype)
    if kind != expected.dtype or array.ndim != len(expected.axes):
        raise UserError(
            f"{path}: array {name!r} is {kind} with {array.ndim} axes: allowed is {expected.dtype} with "
            f"{len(expected.axes)}"
        )
    for axis, length in zip(expected.axes, array.shape, strict=True):
        wanted = axis if isinstance(axis, int) else lengths.setdefault(axis, length)
        if length != wanted or length == 0:
            raise UserError(f"{path}: array {name!r} has shape {array.shape}: allowed is {_shape(expected, lengths)}")
    _check_finite(path, f"array {name!r}", array)
    if kind != "str" and not (array.min() >= expected.low and array.max() <= expected.high):
        raise UserError(
            f"{path}: array {name!r} has values from {array.min():g} to {array.max():g}: {_allowed(expected)}"
        )


def _check_finite(path: Path, what: str, array: np.ndarray) -> None:
    if not _finite(array):
        raise UserError(f"{path}: {what} has values that are not finite")


def _finite(array: np.ndarray) -> bool:
    return not np.issubdtype(array.dtype, np.floating) or bool(np.isfinite(array).all())


def _allowed(expected: Array | Number | str) -> str:
    if isinstance(expected, str):
        return "allowed is a word"
    if math.isinf(expected.low) and math.isinf(expected.high):
        return "allowed is a finite number"
    if math.isinf(expected.high):
        return f"allowed is at least {expected.low:g}"
    return f"allowed is {expected.low:g} to {expected.high:g}"


def _shape(expected: Array, lengths: Mapping[str, int]) -> str:
    return f"({', '.join(str(lengths.get(str(axis), axis)) for axis in expected.axes)}), none of them 0"


def _whole(column: pd.Series) -> bool:
    if not pd.api.types.is_float_dtype(column):
        return False
    return bool((column == column.round()).all() and column.abs().max() < 1 << 53)  # NaN equals nothing
