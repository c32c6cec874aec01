"""Files: what is written comes back, and what is damaged is named instead of used."""

import gzip
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from stages.pipeline import artifacts
from stages.pipeline.artifacts import (
    load_arrays,
    load_number,
    load_split,
    load_table,
    load_weights,
    save_arrays,
    save_json,
    save_table,
    save_weights,
    write_atomically,
)
from stages.pipeline.errors import UserError
from stages.pipeline.images import pick_images
from stages.pipeline.mnist import SHA256, idx_shape, load_mnist
from tests.project import ROOT

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 1, 28, 28)
LABELS = np.array([1, 2, 3], dtype=np.uint8)


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "PREPARED", tmp_path)
    save_arrays(tmp_path / "test.npz", {"images": IMAGES, "labels": LABELS})
    return tmp_path / "test.npz"


def test_arrays_come_back_and_their_bytes_repeat(tmp_path):
    arrays = {"a": np.arange(5), "word": np.array(["generated", "test"])}
    save_arrays(tmp_path / "x.npz", arrays)
    first = (tmp_path / "x.npz").read_bytes()
    loaded = load_arrays(tmp_path / "x.npz", ["a"])
    assert all(np.array_equal(loaded[name], array) for name, array in arrays.items())
    save_arrays(tmp_path / "x.npz", arrays)
    assert (tmp_path / "x.npz").read_bytes() == first
    assert os.listdir(tmp_path) == ["x.npz"]


def test_split_comes_back(prepared):
    images, labels = load_split("test")
    assert np.array_equal(images, IMAGES) and np.array_equal(labels, LABELS)


def test_picked_images_are_the_first_of_a_longer_pick(prepared):
    few, many = pick_images("test", 2, seed=0), pick_images("test", 3, seed=0)
    assert np.array_equal(few[0], many[0][:2]) and np.array_equal(few[1], many[1][:2])
    assert few[0].dtype == np.float32 and many[0].max() <= 1
    with pytest.raises(UserError, match="4 images of the test split asked for: allowed are at most 3"):
        pick_images("test", 4, seed=0)


def pickled(path):
    np.savez(path, images=np.array([{"a": 1}], dtype=object), labels=LABELS)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGES = {
    "missing": (lambda path: path.unlink(), "no such file; `dvc repro` makes it"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable npz"),
    "text": (lambda path: path.write_text("hello"), "not a readable npz"),
    "truncated": (truncated, "not a readable npz"),
    "flipped": (flipped, "not a readable npz"),
    "pickled": (pickled, "not a readable npz without pickles"),
    "no labels": (lambda path: np.savez(path, images=IMAGES), "array 'labels' is missing"),
    "floats": (lambda path: np.savez(path, images=IMAGES / 2, labels=LABELS), "images is float64"),
    "nan": (lambda path: np.savez(path, images=IMAGES * np.nan, labels=LABELS), "not finite"),
    "flat": (lambda path: np.savez(path, images=IMAGES[:, 0], labels=LABELS), "allowed is uint8 with 4 axes"),
    "labels short": (lambda path: np.savez(path, images=IMAGES, labels=LABELS[:2]), "one label for each image"),
    "none": (lambda path: np.savez(path, images=IMAGES[:0], labels=LABELS[:0]), "one label for each image"),
    "channels last": (
        lambda path: np.savez(path, images=IMAGES.transpose(0, 2, 3, 1), labels=LABELS),
        "allowed are 1 or 3 channels",
    ),
    "oblong": (lambda path: np.savez(path, images=IMAGES[..., :20], labels=LABELS), "square"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_prepared_files_are_refused(prepared, damage):
    spoil, words = DAMAGES[damage]
    spoil(prepared)
    with pytest.raises(UserError) as caught:
        load_split("test")
    assert "test.npz" in str(caught.value) and words in str(caught.value)


def test_weights_come_back_and_damaged_ones_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, {"a": np.ones((2, 3), dtype=np.float32)}, {"width": 4})
    weights, metadata = load_weights(path)
    assert np.array_equal(weights["a"], np.ones((2, 3))) and metadata == {"width": 4}
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises(UserError, match="not a readable safetensors file"):
        load_weights(path)
    save_weights(path, {"a": np.array([np.nan], dtype=np.float32)}, {})
    with pytest.raises(UserError, match="'a' has values that are not finite"):
        load_weights(path)
    with pytest.raises(UserError, match="no such file"):
        load_weights(tmp_path / "other.safetensors")


def test_tables_keep_the_loss_none_and_leave_infinity_empty(tmp_path):
    path = tmp_path / "t.csv"
    save_table(path, [{"psnr": np.inf, "loss": "none"}, {"psnr": 1 / 3, "loss": "minimax"}])
    assert path.read_bytes() == b"loss,psnr\nnone,\nminimax,0.333333\n"
    pd.testing.assert_frame_equal(
        load_table(path), pd.DataFrame({"loss": ["none", "minimax"], "psnr": [np.nan, 0.333333]}), check_dtype=False
    )
    path.write_bytes(b"")
    with pytest.raises(UserError, match="not a readable CSV"):
        load_table(path)


@pytest.mark.parametrize("content", ["", "[1]", '{"variance": "x"}', "{}", '{"variance": NaN}'])
def test_damaged_numbers_are_refused(tmp_path, content):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(UserError, match=r"m\.json"):
        load_number(tmp_path / "m.json", "variance")


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(partial):
        partial.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"a\.txt: cannot be written: No space left on device"):
        write_atomically(path, fail)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_read_only_folder_is_named_and_left_alone(read_only_folder):
    with pytest.raises(UserError, match=r"old: cannot be written: Permission denied"):
        write_atomically(read_only_folder / "old", lambda partial: partial.write_text("new"))
    assert (read_only_folder / "old").read_text() == "old" and os.listdir(read_only_folder) == ["old"]


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(UserError, match=r"folder.a\.json: cannot be written"):
        save_json(tmp_path / "folder" / "a.json", {})


@pytest.fixture
def raw(tmp_path):
    for name in SHA256:
        shutil.copy(ROOT / "data" / "raw" / f"{name}.gz", tmp_path)
    return tmp_path


def test_mnist_is_the_real_one(raw):
    splits = load_mnist(raw)
    assert splits["train"][0].shape == (60000, 1, 28, 28) and splits["test"][0].shape == (10000, 1, 28, 28)
    assert splits["train"][1][:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(splits["test"][1]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


RAW_DAMAGES = {
    "missing": (lambda path: path.unlink(), "no such file"),
    "truncated": (truncated, "not a whole gzip file"),
    "no gzip": (lambda path: path.write_bytes(b"\0" * 100), "not a whole gzip file"),
    "empty": (lambda path: path.write_bytes(b""), "SHA-256"),
    "other content": (lambda path: path.write_bytes(gzip.compress(b"\0\0\x08\x01")), "SHA-256"),
}


@pytest.mark.parametrize("damage", ["missing", "truncated header", "no gzip", "other content"])
def test_damaged_headers_are_refused(raw, damage):
    path = raw / "train-images-idx3-ubyte.gz"
    if damage == "truncated header":
        path.write_bytes(path.read_bytes()[:15])
    else:
        RAW_DAMAGES[damage][0](path)
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz"):
        idx_shape(raw, "train")


def test_headers_tell_counts_and_sizes(raw):
    assert idx_shape(raw, "train") == (60000, 28, 28) and idx_shape(raw, "t10k") == (10000, 28, 28)


@pytest.mark.parametrize("damage", RAW_DAMAGES)
def test_damaged_raw_files_are_refused(raw, damage):
    spoil, words = RAW_DAMAGES[damage]
    spoil(raw / "t10k-labels-idx1-ubyte.gz")
    with pytest.raises(UserError) as caught:
        load_mnist(raw)
    assert "t10k-labels-idx1-ubyte.gz" in str(caught.value) and words in str(caught.value)
