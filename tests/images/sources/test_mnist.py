"""MNIST: the real one or none."""

import gzip
import shutil

import numpy as np
import pytest

from stages.images.source import Source
from stages.images.sources.mnist import SHA256, SOURCE, load_mnist, mnist_shapes
from stages.pipeline.errors import UserError
from tests.project import ROOT


@pytest.fixture
def raw(tmp_path):
    for name in SHA256:
        shutil.copy(ROOT / "data" / "raw" / f"{name}.gz", tmp_path)
    return tmp_path


def test_mnist_is_the_real_one(raw):
    splits = load_mnist(raw)
    train, test = splits["train"], splits["test"]
    assert train.images.shape == (60000, 1, 28, 28) and test.images.shape == (10000, 1, 28, 28)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert {array.dtype for split in (train, test) for array in (split.images, split.labels)} == {np.dtype(np.uint8)}


def test_headers_tell_counts_and_sizes(raw):
    assert mnist_shapes(raw) == {"train": (60000, 1, 28, 28), "test": (10000, 1, 28, 28)}


def test_the_source_reads_the_embedded_files(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert isinstance(SOURCE, Source)
    assert SOURCE.shapes() == {name: split.images.shape for name, split in SOURCE.read().items()}


def truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


RAW_DAMAGES = {
    "missing": (lambda path: path.unlink(), "no such file"),
    "truncated": (truncated, "not a whole gzip file"),
    "no gzip": (lambda path: path.write_bytes(b"\0" * 100), "not a whole gzip file"),
    "empty": (lambda path: path.write_bytes(b""), "SHA-256"),
    "other content": (lambda path: path.write_bytes(gzip.compress(b"\0\0\x08\x01")), "SHA-256"),
}


@pytest.mark.parametrize("damage", ["missing", "truncated header", "no gzip", "other content", "labels"])
@pytest.mark.parametrize("part", ["train", "t10k"])
def test_damaged_headers_are_refused(raw, part, damage):
    path = raw / f"{part}-images-idx3-ubyte.gz"
    if damage == "truncated header":
        path.write_bytes(path.read_bytes()[:15])
    elif damage == "labels":
        path.write_bytes((raw / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    else:
        RAW_DAMAGES[damage][0](path)
    with pytest.raises(UserError, match=rf"{part}-images-idx3-ubyte\.gz"):
        mnist_shapes(raw)


@pytest.mark.parametrize("damage", RAW_DAMAGES)
def test_damaged_raw_files_are_refused(raw, damage):
    spoil, words = RAW_DAMAGES[damage]
    spoil(raw / "t10k-labels-idx1-ubyte.gz")
    with pytest.raises(UserError) as caught:
        load_mnist(raw)
    assert "t10k-labels-idx1-ubyte.gz" in str(caught.value) and words in str(caught.value)
