"""Splits: every image in one of them, what is written comes back, what is no set of square images is refused."""

import json

import numpy as np
import pytest

from stages.images.counts import Header
from stages.images.source import Pool
from stages.images.splits import load_split, save_splits, split_places
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from tests.images.imagesets import data, save_prepared

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 1, 28, 28)
LABELS = np.array([1, 2, 3], dtype=np.uint8)
ANY = data("mnist", "data/raw")


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "PREPARED", tmp_path)
    save_prepared(IMAGES, LABELS)
    return tmp_path


@pytest.mark.parametrize("split", ["random", "in_order"])
@pytest.mark.parametrize("own_test", [0, 12])
def test_every_image_is_in_one_split(split, own_test):
    counts = data("array", "x.npy", split=split, validation=7, test=None if own_test else 12)
    places = split_places(Header((40, 1, 28, 28), own_test), counts, seed=0)
    assert {name: len(own) for name, own in places.items()} == {"train": 21, "validation": 7, "test": 12}
    assert np.array_equal(np.sort(np.concatenate(list(places.values()))), np.arange(40))
    if own_test:
        assert places["test"].tolist() == list(range(28, 40))


def test_in_order_means_training_validation_test():
    places = split_places(Header((40, 1, 28, 28)), data("array", "x.npy", split="in_order"), seed=0)
    assert np.array_equal(np.concatenate([places[name] for name in ("train", "validation", "test")]), np.arange(40))


def test_the_seed_decides_a_random_split():
    first, again, other = (split_places(Header((40, 1, 28, 28)), ANY, seed)["test"].tolist() for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("labels", [LABELS, None])
def test_split_comes_back(prepared, labels):
    save_prepared(IMAGES, labels)
    split = load_split("test", ANY)
    assert np.array_equal(split.images[:], IMAGES) and split.images.shape == IMAGES.shape
    assert np.array_equal(split.images[np.array([2, 0])], IMAGES[[2, 0]])
    assert split.labels is None if labels is None else np.array_equal(split.labels, labels)


def test_images_of_an_array_stay_where_they_are(prepared, tmp_path):
    (tmp_path / "own").mkdir()
    stored = tmp_path / "own" / "faces.npy"
    np.save(stored, IMAGES[:, 0])
    (prepared / "images.npy").write_bytes(b"of the set before")
    save_splits(Header(IMAGES.shape), Pool(stored, None), {"test": np.array([2, 1])})
    assert not (prepared / "images.npy").exists()
    used = (prepared / "images.json").read_bytes()
    split = load_split("test", data("array", stored))
    assert np.array_equal(split.images[:], IMAGES[[2, 1]])
    np.save(stored, IMAGES[::-1, 0])  # other images are another output, after which DVC runs all that follows anew
    save_splits(Header(IMAGES.shape), Pool(stored, None), {"test": np.array([2, 1])})
    assert (prepared / "images.json").read_bytes() != used


def pickled(path):
    np.savez(path, places=np.array([{"a": 1}], dtype=object))


def truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[content.index(LABELS.tobytes())] ^= 0xFF
    path.write_bytes(content)


PLACES = np.arange(3)
DAMAGES = {
    "missing": ("test.npz", lambda path: path.unlink(), "no such file; `dvc repro` makes it"),
    "empty": ("test.npz", lambda path: path.write_bytes(b""), "not a readable npz"),
    "text": ("test.npz", lambda path: path.write_text("hello"), "not a readable npz"),
    "truncated": ("test.npz", truncated, "not a readable npz"),
    "flipped": ("test.npz", flipped, "not a readable npz"),
    "pickled": ("test.npz", pickled, "not a readable npz without pickles"),
    "no places": ("test.npz", lambda path: np.savez(path, labels=LABELS), "array 'places' is missing"),
    "floats": ("test.npz", lambda path: np.savez(path, places=PLACES / 2), "'places' is float64"),
    "below": ("test.npz", lambda path: np.savez(path, places=PLACES - 1), "has values from -1"),
    "beyond": ("test.npz", lambda path: np.savez(path, places=PLACES + 1), "asks for number 3"),
    "none": ("test.npz", lambda path: np.savez(path, places=PLACES[:0]), "none of them 0"),
    "labels short": (
        "test.npz",
        lambda path: np.savez(path, places=PLACES, labels=LABELS[:2]),
        "array 'labels' has shape (2,): allowed is (3)",
    ),
    "labels out of range": (
        "test.npz",
        lambda path: np.savez(path, places=PLACES, labels=LABELS + np.uint8(197)),
        "from 198 to",
    ),
    "images elsewhere": ("images.json", lambda path: path.write_text('{"images": "there"}'), "allowed is copied or in"),
    "no word": ("images.json", lambda path: path.write_text(json.dumps([])), "images = None"),
    "no JSON": ("images.json", truncated, "not a readable JSON"),
    "no images": ("images.npy", lambda path: path.unlink(), "no such file"),
    "images cut short": ("images.npy", truncated, "not a readable npy"),
    "two channels": (
        "images.npy",
        lambda path: np.save(path, np.zeros((3, 28, 28, 2), np.uint8)),
        "channels 2: allowed are square ones with 1 or 3",
    ),
    "oblong": ("images.npy", lambda path: np.save(path, np.zeros((3, 28, 20), np.uint8)), "images of 28x20 pixels"),
    "of a size that no network draws": (
        "images.npy",
        lambda path: np.save(path, np.zeros((3, 20, 20), np.uint8)),
        "image_size = 20: allowed are 7 or 8 times a power of two",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_prepared_files_are_refused(prepared, damage):
    name, spoil, words = DAMAGES[damage]
    spoil(prepared / name)
    with pytest.raises(UserError) as caught:
        load_split("test", ANY)
    assert name in str(caught.value) and words in str(caught.value)
