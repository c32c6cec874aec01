"""Small image sets of every kind, in files as people have them."""

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from stages.images.counts import Header
from stages.images.source import Pool
from stages.images.splits import save_splits
from stages.pipeline.params import Data


def data(name: str, path: Path, **changes) -> Data:
    """The key `data` of params.yaml for a set at `path`: of 40 images, ten for validation and ten for test."""
    keys = {"name": name, "path": str(path), "size": None, "split": "random", "validation": 10, "test": 10}
    return Data(**keys | changes)


def drawn(count: int, size: int, channels: int, seed: int = 0) -> np.ndarray:
    """Bright rectangles on dark ground, (count, size, size, channels), uint8, no two alike."""
    stream = np.random.default_rng(seed)
    images = np.full((count, size, size, channels), 16, dtype=np.uint8)
    for image in images:
        height, width = stream.integers(size // 4, size // 2, 2)
        row, column = stream.integers(0, size // 2, 2)
        image[row : row + height, column : column + width] = stream.integers(60, 256, channels)
    return images


def write_idx(path: Path, array: np.ndarray) -> None:
    """An IDX file of uint8, gzipped if the path says so."""
    content = struct.pack(f">{1 + array.ndim}i", 0x800 | array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_idx_folder(folder: Path, train: int, test: int, size: int = 28, suffix: str = ".gz") -> Path:
    """The four files of a set like Fashion-MNIST, with ten classes."""
    folder.mkdir()
    for part, count in (("train", train), ("t10k", test)):
        write_idx(folder / f"{part}-images-idx3-ubyte{suffix}", drawn(count, size, 1, seed=count)[..., 0])
        write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", (np.arange(count) % 10).astype(np.uint8))
    return folder


def write_array(path: Path, images: np.ndarray) -> Path:
    np.save(path, images, allow_pickle=False)
    return path


def write_pictures(folder: Path, count: int, classes: int = 0, mode: str = "RGB") -> Path:
    """Pictures of many sizes; in as many sub-folders as there are classes, or in none."""
    stream = np.random.default_rng(1)
    for index in range(count):
        place = folder / f"class {index % classes}" if classes else folder
        place.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(drawn(1, 80, 3, seed=index)[0])
        picture = picture.resize(tuple(stream.integers(40, 100, 2).tolist())).convert(mode)
        picture.save(place / f"{index:03}.png")
    return folder


def save_prepared(images: np.ndarray, labels: np.ndarray | None, name: str = "test") -> None:
    """Write data/prepared with images (N, C, S, S), all of one split."""
    save_splits(
        Header(images.shape), Pool(images.transpose(0, 2, 3, 1), labels), {name: np.arange(len(images), dtype=np.int64)}
    )
