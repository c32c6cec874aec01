"""Image sets of every kind: what is in the files is what the pipeline gets, and nothing else is taken."""

import shutil

import numpy as np
import pytest
from PIL import Image

from stages.images.source import Source, load_source
from stages.images.sources import folder
from stages.images.sources.mnist import SHA256
from tests.images.imagesets import data, drawn, write_array, write_idx_folder, write_pictures
from tests.project import ROOT


def images_of(source: Source, settings) -> np.ndarray:
    """All images of a set, (N, S, S) or (N, S, S, C)."""
    images = source.read(settings).images
    return np.stack(list(images)) if not hasattr(images, "suffix") else np.load(images)


def test_mnist_is_the_real_one():
    source, settings = load_source("mnist"), data("mnist", ROOT / "data" / "raw", test=None)
    header, pool = source.header(settings), source.read(settings)
    assert header.shape == (70000, 1, 28, 28) and header.own_test == 10000
    assert pool.images.shape == (70000, 28, 28) and pool.images.dtype == pool.labels.dtype == np.uint8
    assert pool.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(pool.labels[60000:]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_mnist_is_not_any_set_in_its_files(tmp_path):
    from stages.pipeline.errors import UserError

    settings = data("mnist", write_idx_folder(tmp_path / "raw", 30, 10), test=None)
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz: SHA-256 of the content is"):
        load_source("mnist").read(settings)
    for name in SHA256:
        shutil.copy(ROOT / "data" / "raw" / f"{name}.gz", tmp_path / "raw")
    load_source("mnist").read(settings)


@pytest.mark.parametrize("suffix", [".gz", ""])
def test_idx_files_gzipped_or_not(tmp_path, suffix):
    settings = data("fashion_mnist", write_idx_folder(tmp_path / "raw", 30, 12, suffix=suffix), test=None)
    source = load_source("fashion_mnist")
    header, pool = source.header(settings), source.read(settings)
    assert header.shape == (42, 1, 28, 28) and header.own_test == 12
    assert np.array_equal(pool.images, np.concatenate([drawn(30, 28, 1, 30), drawn(12, 28, 1, 12)])[..., 0])
    assert pool.labels.tolist() == [*(index % 10 for index in range(30)), *(index % 10 for index in range(12))]


def test_labels_that_begin_at_one_are_counted_from_zero(tmp_path):
    folder = write_idx_folder(tmp_path / "raw", 30, 12, suffix="")
    for part in ("train", "t10k"):
        path = folder / f"{part}-labels-idx1-ubyte"
        content = path.read_bytes()
        path.write_bytes(content[:8] + bytes(2 * label + 1 for label in content[8:]))  # 1, 3, ..., 19
    labels = load_source("fashion_mnist").read(data("fashion_mnist", folder, test=None)).labels
    assert labels.dtype == np.uint8
    assert labels.tolist() == [*(index % 10 for index in range(30)), *(index % 10 for index in range(12))]


@pytest.mark.parametrize("images", [drawn(40, 64, 3), drawn(40, 32, 1), drawn(40, 28, 1)[..., 0]], ids=str.__class__)
def test_an_array_is_used_where_it_lies(tmp_path, images):
    settings = data("array", write_array(tmp_path / "images.npy", images))
    source = load_source("array")
    header, pool = source.header(settings), source.read(settings)
    channels = images.shape[3] if images.ndim == 4 else 1
    assert header.shape == (40, channels, *images.shape[1:3]) and header.own_test == 0
    assert pool.images == tmp_path / "images.npy" and pool.labels is None


def test_pictures_come_in_the_order_of_their_names(tmp_path):
    write_pictures(tmp_path / "pictures", 12)
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    settings = data("folder", tmp_path / "pictures", size=28)
    source = load_source("folder")
    assert source.header(settings).shape == (12, 3, 28, 28)
    pool = source.read(settings)
    assert pool.labels is None
    for number, image in enumerate(pool.images):
        assert np.array_equal(image, folder.square(tmp_path / "pictures" / f"{number:03}.png", 3, 28))


def test_sub_folders_are_classes(tmp_path):
    settings = data("folder", write_pictures(tmp_path / "pictures", 12, classes=3), size=28)
    assert load_source("folder").read(settings).labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    one = data("folder", write_pictures(tmp_path / "one", 12, classes=1), size=28)
    assert load_source("folder").read(one).labels is None


def test_a_picture_is_cropped_in_its_middle_and_averaged(tmp_path):
    wide = np.zeros((56, 100, 3), dtype=np.uint8)
    wide[:, 22:78] = drawn(1, 28, 3)[0].repeat(2, axis=0).repeat(2, axis=1)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert np.array_equal(folder.square(tmp_path / "wide.png", 3, 28), drawn(1, 28, 3)[0])


@pytest.mark.parametrize(
    ("modes", "channels"), [(["L", "1", "LA"], 1), (["L", "RGB", "L"], 3), (["P", "RGBA", "CMYK"], 3)], ids=str
)
def test_modes_that_are_mixed(tmp_path, modes, channels):
    """All grey stay grey; one in colour makes all RGB."""
    picture = Image.fromarray(drawn(1, 28, 3)[0])
    for number, mode in enumerate(modes):
        picture.convert(mode).save(tmp_path / f"{number}.{'tif' if mode == 'CMYK' else 'png'}")
    settings = data("folder", tmp_path, size=28)
    assert load_source("folder").header(settings).shape == (3, channels, 28, 28)
    for image in images_of(load_source("folder"), settings):
        grey_or_not = image if channels == 3 else image.repeat(3, axis=2)
        difference = np.abs(grey_or_not.astype(int).mean(axis=2) - drawn(1, 28, 3)[0].mean(axis=2))
        assert image.shape == (28, 28, channels) and difference.mean() < 60


@pytest.mark.parametrize(("mode", "ground"), [("RGBA", 255), ("LA", 0)])
def test_what_is_transparent_is_white_in_colour_and_black_in_grey(tmp_path, mode, ground):
    Image.new(mode, (28, 28)).save(tmp_path / "clear.png")
    (image,) = images_of(load_source("folder"), data("folder", tmp_path, size=28))
    assert (image == ground).all()
