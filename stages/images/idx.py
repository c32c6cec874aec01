"""IDX files as MNIST has them: four files, gzipped or not, decoded by torchvision."""

import gzip
import hashlib
import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stages.images.counts import Header
from stages.images.source import Pool
from stages.pipeline.errors import UserError

IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049  # unsigned bytes in three dimensions, and in one
PARTS = ("train", "t10k")


def idx_header(folder: Path, remedy: str) -> Header:
    """What the headers of both files of images say; the rest of the files is not read.

    `remedy` ends the line of the UserError that is raised for a file that is missing, cut short or has no such header.
    """
    shapes = [_image_shape(_find(folder, f"{part}-images-idx3-ubyte", remedy), remedy) for part in PARTS]
    (train, height, width), (test, *other) = shapes
    if [height, width] != other:
        raise UserError(f"{folder}: images of {height}x{width} and {other[0]}x{other[1]} pixels: allowed is one size")
    return Header((train + test, 1, height, width), own_test=test)


def read_idx(folder: Path, remedy: str, digests: Mapping[str, str] | None = None) -> Pool:
    """Training images and then test images, with their labels, counted from 0 without gaps.

    Raises UserError for a file that is missing, damaged, or has another SHA-256, unpacked, than `digests` says.
    """
    from torchvision.datasets.mnist import read_image_file, read_label_file  # type: ignore[import-untyped]  # here, because a stage that checks parameters needs the headers alone

    images: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    with tempfile.TemporaryDirectory() as unpacked:
        for part in PARTS:
            for ending, magic, read, found in (
                ("images-idx3-ubyte", IMAGES_MAGIC, read_image_file, images),
                ("labels-idx1-ubyte", LABELS_MAGIC, read_label_file, labels),
            ):
                name = f"{part}-{ending}"
                path = _find(folder, name, remedy)
                content = _unpack(path, remedy)
                if digests and (digest := hashlib.sha256(content).hexdigest()) != digests[name]:
                    raise UserError(f"{path}: SHA-256 of the content is {digest}: allowed is {digests[name]}; {remedy}")
                _check_length(path, content, magic, remedy)
                Path(unpacked, name).write_bytes(content)
                found.append(read(str(Path(unpacked, name))).numpy().astype(np.uint8, copy=False))
            if len(images[-1]) != len(labels[-1]):
                counts = f"{len(images[-1])} images and {len(labels[-1])} labels"
                raise UserError(f"{folder}: {part}: {counts}: allowed are as many of both; {remedy}")
    _, classes = np.unique(np.concatenate(labels), return_inverse=True)  # EMNIST's letters begin at 1
    return Pool(np.concatenate(images), classes.astype(np.uint8))


def _find(folder: Path, name: str, remedy: str) -> Path:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; {remedy}")
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise UserError(f"{folder / name}.gz: no such file, nor one without .gz; {remedy}")


def _image_shape(path: Path, remedy: str) -> tuple[int, int, int]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            magic, *shape = struct.unpack(">4i", file.read(16))
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise _not_whole(path, error, remedy) from None
    _check_magic(path, magic, IMAGES_MAGIC, remedy)
    if min(shape) < 1:
        raise UserError(f"{path}: its header says {shape}: allowed is at least 1 of each; {remedy}")
    return shape[0], shape[1], shape[2]


def _unpack(path: Path, remedy: str) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise _not_whole(path, error, remedy) from None


def _check_length(path: Path, content: bytes, magic: int, remedy: str) -> None:
    """Raise UserError unless the content has as many bytes as its own header says."""
    axes = magic & 0xFF
    if len(content) < 4 + 4 * axes:
        raise UserError(f"{path}: no whole header; {remedy}")
    found, *shape = struct.unpack(f">{1 + axes}i", content[: 4 + 4 * axes])
    _check_magic(path, found, magic, remedy)
    wanted = 4 + 4 * axes + int(np.prod(shape))
    if len(content) != wanted:
        raise UserError(f"{path}: {len(content)} bytes: its header says {wanted}; {remedy}")


def _check_magic(path: Path, found: int, magic: int, remedy: str) -> None:
    if found != magic:
        raise UserError(f"{path}: IDX magic number is {found}: allowed is {magic}; {remedy}")


def _not_whole(path: Path, error: Exception, remedy: str) -> UserError:
    kind = "gzip" if path.suffix == ".gz" else "IDX"
    return UserError(f"{path}: not a whole {kind} file: {error}; {remedy}")
