"""Files: what is written comes back, whole or not at all, and what is damaged is named instead of used."""

import fcntl
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from stages.pipeline.errors import UserError
from stages.pipeline.storage import (
    WORD,
    Array,
    Number,
    array_writer,
    json_writer,
    load_arrays,
    load_numbers,
    load_table,
    load_weights,
    publish,
    table_writer,
    weight_writer,
)

ARRAYS = {
    "images": np.linspace(0, 1, 24, dtype=np.float32).reshape(3, 2, 4),
    "labels": np.array([1, 2, 3], dtype=np.uint8),
    "names": np.array(["generated", "test", "train"]),
}
SCHEMA = {
    "images": Array("float32", ("N", 2, "S"), low=0, high=1),
    "labels": Array("uint8", ("N",), high=199),
    "names": Array("str", ("N",)),
    "extra": Array("bool", ("N", "S"), required=False),
}
WEIGHTS = {"a": np.ones((2, 3), dtype=np.float32)}
TABLE = {"prior": WORD, "epoch": Number(low=1), "psnr": Number(low=0, empty=True)}


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    publish({path: array_writer(arrays)})


def writes(text: str):
    return lambda file: file.write(text.encode())


def fails(file) -> None:
    file.write(b"half")
    raise OSError(28, "No space left on device")


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


# Publishing.


def test_a_set_of_files_takes_its_place(tmp_path):
    publish({tmp_path / "new" / "a": writes("a"), tmp_path / "new" / "b": writes("b")})
    assert contents(tmp_path / "new") == {"a": "a", "b": "b"}


@pytest.mark.parametrize("failing", ["first", "second", "third"])
def test_a_set_of_which_one_fails_leaves_every_old_file_and_no_partial_one(tmp_path, failing):
    names = ["first", "second", "third"]
    for name in names[:2]:
        (tmp_path / name).write_text("old")
    with pytest.raises(UserError, match=rf"{failing}: cannot be written: No space left on device"):
        publish({tmp_path / name: fails if name == failing else writes("new") for name in names})
    assert contents(tmp_path) == {"first": "old", "second": "old"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_whatever_a_writer_raises_leaves_the_old_file_alone(tmp_path, error):
    def ends(file):
        file.write(b"half")
        raise error

    (tmp_path / "a").write_text("old")
    with pytest.raises(error):
        publish({tmp_path / "b": writes("new"), tmp_path / "a": ends})
    assert contents(tmp_path) == {"a": "old"}


def test_all_files_are_complete_before_the_first_is_moved(tmp_path):
    (tmp_path / "a").write_text("old")
    seen = []
    publish({tmp_path / "a": writes("new"), tmp_path / "b": lambda file: seen.append(contents(tmp_path))})
    assert seen[0]["a"] == "old" and "new" in seen[0].values()


def test_the_name_of_a_partial_file_cannot_be_guessed(tmp_path):
    names = set()
    for _ in range(5):
        publish({tmp_path / "x.npz": lambda file: names.update(os.listdir(tmp_path))})
    names.discard("x.npz")
    assert len(names) == 5
    assert all(re.fullmatch(r"\.x\.npz\.[0-9a-f]{16}\.partial", name) for name in names)


@pytest.mark.parametrize("name", [".x.npz.partial.npz", ".x.npz.partial", ".x.npz.0123456789abcdef.partial"])
def test_a_planted_link_is_not_followed(tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / name).symlink_to(victim)
    publish({tmp_path / "x.npz": writes("new")})
    assert victim.read_text() == "precious" and (tmp_path / "x.npz").read_text() == "new"
    assert not (tmp_path / "x.npz").is_symlink()


@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_with_the_very_name_of_the_partial_file_is_not_followed(tmp_path, monkeypatch, dangling):
    victim = tmp_path / "victim"
    if not dangling:
        victim.write_text("precious")
    monkeypatch.setattr("secrets.token_hex", lambda length: "0" * 2 * length)
    (tmp_path / f".x.npz.{'0' * 16}.partial").symlink_to(victim)
    with pytest.raises(UserError, match=r"x\.npz: cannot be written: File exists"):
        publish({tmp_path / "x.npz": writes("new")})
    assert not victim.exists() if dangling else victim.read_text() == "precious"
    assert not (tmp_path / "x.npz").exists()


def test_what_a_killed_writer_left_goes_with_the_next_file(tmp_path):
    leftover, of_another = tmp_path / ".x.npz.0123456789abcdef.partial", tmp_path / ".y.npz.0123456789abcdef.partial"
    for path in (leftover, of_another):
        path.write_text("half")
    publish({tmp_path / "x.npz": writes("new")})
    assert contents(tmp_path) == {"x.npz": "new", of_another.name: "half"}


def test_what_another_writer_still_holds_stays(tmp_path):
    held = tmp_path / ".x.npz.0123456789abcdef.partial"
    with open(held, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        publish({tmp_path / "x.npz": writes("new")})
        assert held.exists()
    publish({tmp_path / "x.npz": writes("newer")})
    assert not held.exists()


def test_a_complete_file_is_held_until_the_whole_set_is(tmp_path):
    def second(file):
        (first,) = tmp_path.glob(".a.*.partial")
        with open(first) as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    publish({tmp_path / "a": writes("a"), tmp_path / "b": second})
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_something_else_with_a_leftovers_name_holds_nobody_up(tmp_path, make):
    make(tmp_path / ".x.npz.0123456789abcdef.partial")
    publish({tmp_path / "x.npz": writes("new")})
    assert (tmp_path / "x.npz").read_text() == "new"


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_files_are_readable_to_whom_the_umask_lets_read(tmp_path, umask):
    paths = [tmp_path / name for name in ("a.npz", "b.safetensors", "c.csv", "d.json")]
    writers = [array_writer(ARRAYS), weight_writer(WEIGHTS, {}), table_writer([{"a": 1}]), json_writer({})]
    before = os.umask(umask)
    try:
        publish(dict(zip(paths, writers, strict=True)))
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o666 & ~umask}


def test_a_read_only_folder_is_named_and_left_alone(read_only_folder):
    with pytest.raises(UserError, match=r"old: cannot be written: Permission denied"):
        publish({read_only_folder / "old": writes("new")})
    assert contents(read_only_folder) == {"old": "old"}


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(UserError, match=r"folder.a\.json: cannot be written"):
        publish({tmp_path / "folder" / "a.json": json_writer({})})


def test_a_folder_where_a_file_should_be_is_named(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match=r"b: cannot be written: it is a folder"):
        publish({tmp_path / "a": writes("new"), tmp_path / "b": writes("new")})
    assert os.listdir(tmp_path) == ["b"] and not os.listdir(tmp_path / "b")


# Every kind of file.

READERS = {
    "npz": lambda path: load_arrays(path, SCHEMA),
    "safetensors": load_weights,
    "csv": lambda path: load_table(path, TABLE),
    "json": lambda path: load_numbers(path, {"slope": Number()}),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_missing_file_says_what_makes_it(tmp_path, kind):
    for path in (tmp_path / f"x.{kind}", tmp_path / "no folder" / f"x.{kind}"):
        with pytest.raises(UserError, match=rf"x\.{kind}: no such file; `dvc repro` makes it"):
            READERS[kind](path)


@pytest.mark.parametrize("kind", READERS)
def test_a_folder_in_a_files_place_is_not_read(tmp_path, kind):
    (tmp_path / f"x.{kind}").mkdir()
    with pytest.raises(UserError, match=rf"x\.{kind}: not a file"):
        READERS[kind](tmp_path / f"x.{kind}")


@pytest.mark.parametrize("of_the_folder", [False, True])
@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_may_not_be_read_is_not_called_missing(read_only_folder, kind, of_the_folder):
    user, path = os.geteuid(), read_only_folder / "old"
    os.seteuid(os.getuid())
    path.chmod(0o644 if of_the_folder else 0)
    read_only_folder.chmod(0 if of_the_folder else 0o555)
    os.seteuid(user)
    with pytest.raises(UserError, match="old: may not be read by this user"):
        READERS[kind](path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe\x00\x80" * 30])
@pytest.mark.parametrize("kind", READERS)
def test_other_bytes_are_refused(tmp_path, kind, content):
    path = tmp_path / f"x.{kind}"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"x\.{kind}: ") as caught:
        READERS[kind](path)
    assert "\n" not in str(caught.value)


# Arrays.


def test_arrays_come_back_and_their_bytes_repeat(tmp_path):
    path = tmp_path / "x.npz"
    save_arrays(path, ARRAYS)
    first = path.read_bytes()
    loaded = load_arrays(path, SCHEMA)
    assert loaded.keys() == ARRAYS.keys()
    assert all(np.array_equal(loaded[name], array) for name, array in ARRAYS.items())
    save_arrays(path, ARRAYS)
    assert path.read_bytes() == first
    assert os.listdir(tmp_path) == ["x.npz"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_arrays_that_are_not_finite_are_not_written(tmp_path, value):
    with pytest.raises(UserError, match=r"x\.npz: not written: array 'a' is not finite"):
        save_arrays(tmp_path / "x.npz", {"a": np.array([0, value], dtype=np.float32)})
    assert not os.listdir(tmp_path)


ARRAY_FAULTS = {
    "missing": ({"labels": None}, "array 'labels' is missing; it has images, names"),
    "extra": ({"more": np.zeros(3)}, "array 'more' does not belong in it"),
    "dtype": ({"images": ARRAYS["images"].astype(float)}, "'images' is float64 with 3 axes: allowed is float32 with 3"),
    "signed": ({"labels": ARRAYS["labels"].astype(np.int8)}, "array 'labels' is int8 with 1 axes: allowed is uint8"),
    "words": ({"names": ARRAYS["labels"]}, "array 'names' is uint8 with 1 axes: allowed is str with 1"),
    "axes": ({"images": ARRAYS["images"][:, 0]}, "'images' is float32 with 2 axes: allowed is float32 with 3"),
    "no axes": ({"labels": np.uint8(1)}, "array 'labels' is uint8 with 0 axes"),
    "fixed length": ({"images": ARRAYS["images"][:, :1]}, r"'images' has shape \(3, 1, 4\): allowed is \(3, 2, S\)"),
    "lengths": ({"labels": ARRAYS["labels"][:2]}, r"'labels' has shape \(2,\): allowed is \(3\)"),
    "optional lengths": ({"extra": np.ones((3, 5), dtype=bool)}, r"'extra' has shape \(3, 5\): allowed is \(3, 4\)"),
    "empty": ({name: array[:0] for name, array in ARRAYS.items()}, r"'images' has shape \(0, 2, 4\).*none of them 0"),
    "below": ({"images": ARRAYS["images"] - 1}, "'images' has values from -1 to 0: allowed is 0 to 1"),
    "above": ({"images": ARRAYS["images"] * 2}, "'images' has values from 0 to 2: allowed is 0 to 1"),
    "labels above": ({"labels": np.array([1, 2, 200], dtype=np.uint8)}, "'labels' has values from 1 to 200"),
    "nan": ({"images": ARRAYS["images"] * np.float32(np.nan)}, "array 'images' has values that are not finite"),
    "pickled": ({"names": np.array([{"a": 1}] * 3, dtype=object)}, "not a readable npz without pickles"),
}


@pytest.mark.parametrize("fault", ARRAY_FAULTS)
def test_arrays_that_are_not_what_they_should_be_are_refused(tmp_path, fault):
    changes, words = ARRAY_FAULTS[fault]
    np.savez(tmp_path / "x.npz", **{name: array for name, array in (ARRAYS | changes).items() if array is not None})
    with pytest.raises(UserError, match=rf"x\.npz: .*{words}"):
        load_arrays(tmp_path / "x.npz", SCHEMA)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(ARRAYS["images"].tobytes()) + 7] ^= 0xFF
    path.write_bytes(content)


def bare(path: Path) -> None:
    """One array without an archive around it."""
    with open(path, "wb") as file:
        np.save(file, ARRAYS["images"])


def of_text(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images", "hello")


@pytest.mark.parametrize("spoil", [truncated, flipped, bare, of_text])
def test_damaged_archives_are_refused(tmp_path, spoil):
    save_arrays(tmp_path / "x.npz", ARRAYS)
    spoil(tmp_path / "x.npz")
    with pytest.raises(UserError, match=r"x\.npz: not a readable npz without pickles: \w"):
        load_arrays(tmp_path / "x.npz", SCHEMA)


def test_arrays_whose_names_vary_have_a_schema_too(tmp_path):
    def others(name: str) -> Array | None:
        return Array("float32", ("N",)) if name.startswith("epoch_") else None

    save_arrays(tmp_path / "x.npz", {"epoch_1": np.zeros(2, np.float32), "epoch_2": np.ones(2, np.float32)})
    assert sorted(load_arrays(tmp_path / "x.npz", {}, others)) == ["epoch_1", "epoch_2"]
    with pytest.raises(UserError, match="does not belong in it"):
        load_arrays(tmp_path / "x.npz", {}, lambda name: None)
    save_arrays(tmp_path / "x.npz", {"epoch_1": np.zeros(2, np.float32), "epoch_2": np.ones(3, np.float32)})
    with pytest.raises(UserError, match="has shape"):
        load_arrays(tmp_path / "x.npz", {}, others)


# Weights.


def test_weights_come_back_and_damaged_ones_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    publish({path: weight_writer(WEIGHTS, {"width": 4})})
    weights, arguments = load_weights(path)
    assert np.array_equal(weights["a"], np.ones((2, 3))) and arguments == {"width": 4}
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises(UserError, match="not a readable safetensors file"):
        load_weights(path)
    safetensors.numpy.save_file({"a": np.array([np.nan], dtype=np.float32)}, path, {"arguments": "{}"})
    with pytest.raises(UserError, match="'a' has values that are not finite"):
        load_weights(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_not_written(tmp_path, value):
    with pytest.raises(UserError, match=r"w\.safetensors: not written: array 'a' is not finite"):
        publish({tmp_path / "w.safetensors": weight_writer({"a": np.array([value], dtype=np.float32)}, {})})
    assert not os.listdir(tmp_path)


def test_weights_in_another_order_of_memory_come_back(tmp_path):
    path = tmp_path / "w.safetensors"
    transposed = np.arange(6, dtype=np.float32).reshape(2, 3).T
    publish({path: weight_writer({"a": transposed}, {})})
    assert np.array_equal(load_weights(path)[0]["a"], transposed)


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"shape": "{}"}, {"arguments": "{"}, {"arguments": "[1]"}, {"arguments": '{"width": 1.5}'}],
    ids=str,
)
def test_weights_without_the_arguments_of_their_network_are_refused(tmp_path, metadata):
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors.numpy.save(WEIGHTS, metadata=metadata))
    with pytest.raises(UserError, match=r"w\.safetensors: not a readable safetensors file"):
        load_weights(path)


# Tables.


def test_tables_keep_the_word_none_and_leave_infinity_empty(tmp_path):
    path = tmp_path / "t.csv"
    publish({path: table_writer([{"psnr": np.inf, "prior": "none"}, {"psnr": 1 / 3, "prior": "minimax"}])})
    assert path.read_bytes() == b"prior,psnr\nnone,\nminimax,0.333333\n"
    pd.testing.assert_frame_equal(
        load_table(path, {"prior": WORD, "psnr": Number(empty=True)}),
        pd.DataFrame({"prior": ["none", "minimax"], "psnr": [np.nan, 0.333333]}),
        check_dtype=False,
    )


def test_columns_come_back_in_the_order_asked_for_and_others_are_left_out(tmp_path):
    (tmp_path / "t.csv").write_text("prior,epoch,psnr,more\nminimax,1,2.5,x\nminimax,2,3,y\n")
    table = load_table(tmp_path / "t.csv", {"psnr": Number(), "epoch": Number()})
    assert list(table) == ["psnr", "epoch"]
    assert table["epoch"].tolist() == [1, 2] and table["epoch"].dtype == int
    assert table["psnr"].tolist() == [2.5, 3.0]


def test_words_may_be_numbers(tmp_path):
    (tmp_path / "t.csv").write_text("prior\n007\n1.50\n")
    assert load_table(tmp_path / "t.csv", {"prior": WORD})["prior"].tolist() == ["007", "1.50"]


def test_large_numbers_stay_what_they_are(tmp_path):
    publish({tmp_path / "t.csv": table_writer([{"d_loss": 1e20}, {"d_loss": 2e30}])})
    assert load_table(tmp_path / "t.csv", {"d_loss": Number()})["d_loss"].tolist() == [1e20, 2e30]


TABLE_FAULTS = {
    "prior,epoch\nminimax,1\n": "column 'psnr' is missing; it has prior, epoch",
    "prior,epoch,psnr\n": "it has no rows",
    "prior,epoch,psnr\nminimax,one,2\n": "epoch = 'one' in row 1: allowed is at least 1",
    "prior,epoch,psnr\nminimax,1,2\nminimax,0,2\n": "epoch = '0' in row 2: allowed is at least 1",
    "prior,epoch,psnr\nminimax,1,-2\n": "psnr = '-2' in row 1: allowed is at least 0",
    "prior,epoch,psnr\nminimax,1,inf\n": "psnr = 'inf' in row 1",
    "prior,epoch,psnr\nminimax,1,nan\n": "psnr = 'nan' in row 1",
    "prior,epoch,psnr\nminimax,,2\n": "epoch = '' in row 1",
    "prior,epoch,psnr\n,1,2\n": "prior = '' in row 1: allowed is a word",
    "prior,epoch,psnr\nminimax\n": "epoch = '' in row 1",
    "prior,epoch,psnr\nminimax,1,2,3\n": "not a readable CSV",
    "prior,epoch,psnr\nminimax,1,2\nminimax,2,2,3\n": "not a readable CSV",
}


@pytest.mark.parametrize("content", TABLE_FAULTS)
def test_tables_that_are_not_what_they_should_be_are_refused(tmp_path, content):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UserError, match=rf"t\.csv: {TABLE_FAULTS[content]}"):
        load_table(tmp_path / "t.csv", TABLE)


# Numbers.


def test_numbers_come_back_exactly(tmp_path):
    publish({tmp_path / "m.json": json_writer({"slope": 0.1 + 0.2, "count": 3, "more": "x"})})
    numbers = load_numbers(tmp_path / "m.json", {"slope": Number(), "count": Number()})
    assert numbers == {"slope": 0.1 + 0.2, "count": 3.0}


@pytest.mark.parametrize(
    "value", ["", '"x"', "null", "true", "[1]", "NaN", "Infinity", "-Infinity", "1e999", f"1{'0' * 400}", "-1", "1.5"]
)
def test_numbers_that_are_not_what_they_should_be_are_refused(tmp_path, value):
    (tmp_path / "m.json").write_text(f'{{"slope": {value}}}' if value else "{}")
    with pytest.raises(UserError, match=r"m\.json: slope = .*: allowed is 0 to 1"):
        load_numbers(tmp_path / "m.json", {"slope": Number(low=0, high=1)})
    if value not in ("-1", "1.5"):
        with pytest.raises(UserError, match=r"m\.json: slope = .*: allowed is a finite number"):
            load_numbers(tmp_path / "m.json", {"slope": Number()})


@pytest.mark.parametrize("content", ["[1]", "1", "null", '{"slope": '])
def test_json_that_is_no_object_is_refused(tmp_path, content):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(UserError, match=r"m\.json: not a readable JSON object"):
        load_numbers(tmp_path / "m.json", {"slope": Number()})


def test_json_has_no_nan(tmp_path):
    with pytest.raises(UserError, match=r"x\.json: not written: a number is not finite"):
        publish({tmp_path / "x.json": json_writer({"a": float("nan")})})
    assert not list(tmp_path.iterdir())
