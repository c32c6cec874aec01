"""Image sets that cannot be used: one line that names the file or the key, and nothing is lost."""

import gzip
import shutil
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from stages import check, prepare
from stages.pipeline.errors import UserError
from tests.images.imagesets import drawn, write_array, write_idx, write_idx_folder, write_pictures
from tests.project import ROOT, TINY, merged

FITTING = {"data": {"validation": 10, "test": 10}, "train": {"batch_size": 4}, "judge": {"samples": 10}}


@pytest.fixture
def attempt(tmp_path, monkeypatch):
    """Run `check` and `prepare` on a set at `data.path` = "images", with what an earlier set has left in place."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "prepared").mkdir(parents=True)
    (tmp_path / "data" / "prepared" / "images.npy").write_bytes(b"before")
    monkeypatch.setattr(sys, "argv", ["python -m stages check"])

    def run(**data) -> str:
        content = merged(yaml.safe_load((ROOT / "params.yaml").read_text()), merged(TINY, FITTING))
        content["data"] |= {"path": "images"} | data
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        with pytest.raises(UserError) as caught:
            check.main()
            prepare.main()
        left = [path.name for path in (tmp_path / "data" / "prepared").iterdir()]
        assert left == ["images.npy"] and (tmp_path / "data" / "prepared" / "images.npy").read_bytes() == b"before"
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return run


def test_prepare_alone_takes_no_image_into_two_splits(attempt, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "main", lambda: None)
    np.save(tmp_path / "images.npy", drawn(40, 28, 1))
    words = attempt(name="array", path="images.npy", split="in_order", validation=35, test=12)
    assert "data.validation = 35: allowed with these images is at most 27" in words


def saved(array: np.ndarray):
    return lambda path: write_array(path.with_suffix(".npy"), array).rename(path)


def cut(path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])


def saved_and_cut(path) -> None:
    saved(drawn(40, 64, 3))(path)
    cut(path, 100_000)


def pickled(path) -> None:
    with open(path, "wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def zipped(path) -> None:
    np.savez(path.with_suffix(".npz"), images=drawn(40, 28, 1))
    path.with_suffix(".npz").rename(path)


ARRAYS = {
    "missing": (lambda path: None, "images: no such file"),
    "a folder": (lambda path: path.mkdir(), "images: not a file"),
    "empty": (lambda path: path.touch(), "images: not a readable npy"),
    "text": (lambda path: path.write_text("0 1 2"), "images: not a readable npy"),
    "an npz": (zipped, "images: not a readable npy"),
    "pickled": (pickled, "images: not a readable npy without pickles"),
    "cut short": (saved_and_cut, "images: not a readable npy"),
    "floats": (saved(drawn(40, 28, 1) / np.float32(255)), "images: holds float32: allowed is uint8"),
    "signed": (saved(drawn(40, 28, 1).astype(np.int16)), "images: holds int16"),
    "flat": (saved(drawn(40, 28, 1).reshape(40, -1)), "has shape (40, 784): allowed are N x H x W or"),
    "one image": (saved(drawn(1, 64, 3)[0, 0]), "has shape (64, 3)"),
    "five axes": (saved(drawn(40, 28, 1)[None]), "has shape (1, 40, 28, 28, 1)"),
    "none": (saved(drawn(40, 28, 1)[:0]), "none of them 0"),
    "channels first": (saved(np.moveaxis(drawn(40, 64, 3), -1, 1).copy()), "channels second: allowed are N x H x W"),
    "number last": (saved(np.moveaxis(drawn(40, 64, 3), 0, -1).copy()), "images of 64x3 pixels and channels 40"),
    "transparent": (saved(np.zeros((40, 64, 64, 4), np.uint8)), "channels 4: allowed are square ones with 1 or 3"),
    "oblong": (saved(np.zeros((40, 64, 56, 3), np.uint8)), "images of 64x56 pixels"),
    "a size that no network draws": (saved(np.zeros((40, 60, 60), np.uint8)), "image_size = 60: allowed are 7 or 8"),
    "Fortran order": (saved(np.asfortranarray(drawn(40, 28, 3))), "in Fortran order"),
    "few": (saved(drawn(12, 28, 1)), "params.yaml: data.validation = 10: allowed with these images is at most 1"),
    "too few": (saved(drawn(11, 28, 1)), "params.yaml: data.test = 10: allowed with these images is at most 9"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_bad_arrays(attempt, tmp_path, kind):
    build, words = ARRAYS[kind]
    build(tmp_path / "images")
    assert words in attempt(name="array")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 32}, "data.size = 32: allowed with these images is 28 or null"),
        ({"test": None}, "data.test = None: allowed is a number, since array has no test images of its own"),
        ({"test": 9}, "9 test images: allowed are at least 10"),
        ({"split": "ordered"}, "data.split = 'ordered'"),
        ({"path": ""}, "data.path = ''"),
        ({"path": None}, "data.path = None"),
        ({"name": "celeba"}, "data.name = 'celeba': allowed are array, fashion_mnist, folder, mnist"),
    ],
)
def test_bad_keys(attempt, tmp_path, changes, words):
    saved(drawn(40, 28, 1))(tmp_path / "images")
    assert words in attempt(**{"name": "array"} | changes)


def among_a_thousand(folder) -> None:
    folder.mkdir()
    Image.fromarray(drawn(1, 28, 3)[0]).save(folder / "0000.jpg")
    for number in range(1, 1000):
        shutil.copy(folder / "0000.jpg", folder / f"{number:04}.jpg")
    cut(folder / "0700.jpg", 500)


def beside(folder) -> None:
    write_pictures(folder, 40, classes=2)
    Image.fromarray(drawn(1, 28, 3)[0]).save(folder / "stray.png")


def many_classes(folder) -> None:
    for number in range(201):
        (folder / str(number)).mkdir(parents=True)
        Image.fromarray(drawn(1, 28, 3)[0]).save(folder / str(number) / "0.png")


def with_one(name: str, content: bytes):
    def build(folder) -> None:
        write_pictures(folder, 40)
        (folder / name).write_bytes(content)

    return build


FOLDERS = {
    "missing": (lambda folder: None, "images: no such folder"),
    "a file": (lambda folder: folder.touch(), "images: no such folder"),
    "empty": (lambda folder: folder.mkdir(), "images: no pictures in it"),
    "no pictures": (lambda folder: (folder.mkdir(), (folder / "a.txt").touch()), "images: no pictures in it"),
    "one broken among a thousand": (among_a_thousand, "images/0700.jpg: not readable as a picture"),
    "text with a picture's name": (with_one("a.png", b"hello"), "images/a.png: not a picture"),
    "an empty file": (with_one("a.jpg", b""), "images/a.jpg: not a picture"),
    "a program": (with_one("a.png", b"%!PS-Adobe-3.0 EPSF-3.0\n"), "images/a.png: not a picture"),
    "beside sub-folders": (beside, "images/stray.png: lies beside sub-folders"),
    "many classes": (many_classes, "images: 201 sub-folders, which are classes: allowed are at most 200"),
    "few": (lambda folder: write_pictures(folder, 15), "data.validation = 10: allowed with these images is at most 4"),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_bad_folders(attempt, tmp_path, kind):
    build, words = FOLDERS[kind]
    build(tmp_path / "images")
    assert words in attempt(name="folder", size=28)


@pytest.mark.parametrize(("size", "words"), [(None, "data.size = None"), (30, "image_size = 30"), (0, "data.size = 0")])
def test_bad_sizes_of_a_folder(attempt, tmp_path, size, words):
    write_pictures(tmp_path / "images", 40)
    assert words in attempt(name="folder", size=size)


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
IDX = {
    "missing": (IMAGES, lambda path: path.unlink(), f"images/{IMAGES}: no such file, nor one without .gz"),
    "cut short": (IMAGES, lambda path: cut(path, 100), f"images/{IMAGES}: not a whole gzip file"),
    "no gzip": (LABELS, lambda path: path.write_bytes(b"\0" * 50), f"images/{LABELS}: not a whole gzip file"),
    "empty": (LABELS, lambda path: path.write_bytes(b""), f"images/{LABELS}: no whole header"),
    "labels for images": (
        IMAGES,
        lambda path: write_idx(path, np.zeros((40,), np.uint8)),
        f"images/{IMAGES}: IDX magic number is 2049: allowed is 2051",
    ),
    "images for labels": (
        LABELS,
        lambda path: write_idx(path, drawn(40, 28, 1)[..., 0]),
        f"images/{LABELS}: IDX magic number is 2051: allowed is 2049",
    ),
    "fewer bytes than promised": (
        IMAGES,
        lambda path: path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-100])),
        f"images/{IMAGES}: 31276 bytes: its header says 31376",
    ),
    "fewer labels": (
        LABELS,
        lambda path: write_idx(path, np.zeros((39,), np.uint8)),
        "images: train: 40 images and 39 labels",
    ),
    "none": (
        IMAGES,
        lambda path: write_idx(path, np.zeros((0, 28, 28), np.uint8)),
        f"images/{IMAGES}: its header says [0, 28, 28]: allowed is at least 1",
    ),
    "two sizes": (
        IMAGES,
        lambda path: write_idx(path, drawn(40, 32, 1)[..., 0]),
        "images: images of 32x32 and 28x28 pixels: allowed is one size",
    ),
}


@pytest.mark.parametrize("kind", IDX)
def test_bad_idx_files(attempt, tmp_path, kind):
    name, spoil, words = IDX[kind]
    spoil(write_idx_folder(tmp_path / "images", 40, 12) / name)
    assert words in attempt(name="fashion_mnist", test=None)


def test_idx_files_have_test_images_of_their_own(attempt, tmp_path):
    write_idx_folder(tmp_path / "images", 40, 12)
    assert "data.test = 10: allowed is null, since fashion_mnist has 12" in attempt(name="fashion_mnist")
