"""Splits: what is written comes back, what is no set of labelled square images is refused."""

import numpy as np
import pytest

from stages.images.splits import Split, load_split, save_splits
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 1, 28, 28)
LABELS = np.array([1, 2, 3], dtype=np.uint8)


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "PREPARED", tmp_path)
    save_splits({"test": Split(IMAGES, LABELS)})
    return tmp_path / "test.npz"


def test_split_comes_back(prepared):
    split = load_split("test")
    assert np.array_equal(split.images, IMAGES) and np.array_equal(split.labels, LABELS)


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
    "floats": (lambda path: np.savez(path, images=IMAGES / 2, labels=LABELS), "'images' is float64"),
    "nan": (lambda path: np.savez(path, images=IMAGES * np.nan, labels=LABELS), "'images' is float64"),
    "flat": (lambda path: np.savez(path, images=IMAGES[:, 0], labels=LABELS), "allowed is uint8 with 4"),
    "labels short": (
        lambda path: np.savez(path, images=IMAGES, labels=LABELS[:2]),
        "array 'labels' has shape (2,): allowed is (3)",
    ),
    "labels out of range": (lambda path: np.savez(path, images=IMAGES, labels=LABELS + np.uint8(197)), "from 198 to"),
    "none": (lambda path: np.savez(path, images=IMAGES[:0], labels=LABELS[:0]), "none of them 0"),
    "channels last": (
        lambda path: np.savez(path, images=IMAGES.transpose(0, 2, 3, 1), labels=LABELS),
        "array 'images' has shape (3, 28, 28, 1): allowed is (3, 28, 28, 28)",
    ),
    "two channels": (
        lambda path: np.savez(path, images=IMAGES.repeat(2, axis=1), labels=LABELS),
        "images have 2 channels: allowed are 1 or 3",
    ),
    "oblong": (
        lambda path: np.savez(path, images=IMAGES[..., :20], labels=LABELS),
        "array 'images' has shape (3, 1, 28, 20): allowed is (3, 1, 28, 28)",
    ),
    "of a size that no network draws": (
        lambda path: np.savez(path, images=IMAGES[..., :20, :20], labels=LABELS),
        "image_size = 20: allowed are 7 or 8 times a power of two",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_prepared_files_are_refused(prepared, damage):
    spoil, words = DAMAGES[damage]
    spoil(prepared)
    with pytest.raises(UserError) as caught:
        load_split("test")
    assert "test.npz" in str(caught.value) and words in str(caught.value)
