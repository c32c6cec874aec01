"""The embedded MNIST: gzipped IDX files under data/raw/, checked byte for byte, decoded by torchvision."""

import gzip
import hashlib
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np

from stages.images.counts import Shape
from stages.images.source import Source
from stages.images.splits import Split
from stages.pipeline.artifacts import RAW
from stages.pipeline.errors import UserError

IMAGES_MAGIC = 2051  # unsigned bytes in three dimensions

# SHA-256 of the unpacked files (data/raw/README.md tells where they come from).
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def load_mnist(raw: Path = RAW) -> dict[str, Split]:
    """`train` (60,000) and `test` (10,000): images (N, 1, 28, 28) uint8 and labels (N,) uint8.

    Raises UserError for a file that is missing, not gzip, cut short or of another content.
    """
    from torchvision.datasets import MNIST  # type: ignore[import-untyped]  # here, because a stage that checks parameters needs the headers alone

    with tempfile.TemporaryDirectory() as unpacked:
        folder = Path(unpacked, "MNIST", "raw")  # where torchvision looks
        folder.mkdir(parents=True)
        for name, digest in SHA256.items():
            (folder / name).write_bytes(_unpack(raw / f"{name}.gz", digest))
        splits = {"train": MNIST(unpacked, train=True), "test": MNIST(unpacked, train=False)}
        return {
            name: Split(split.data.numpy()[:, None], split.targets.numpy().astype(np.uint8))
            for name, split in splits.items()
        }


def mnist_shapes(raw: Path = RAW) -> dict[str, Shape]:
    """(N, 1, S, S) of `train` and `test` from the headers of their images; the rest of the files is not read.

    Raises UserError for a file that is missing, not gzip or without an IDX header of images.
    """
    return {
        name: _header(raw / f"{part}-images-idx3-ubyte.gz") for name, part in (("train", "train"), ("test", "t10k"))
    }


def _header(path: Path) -> Shape:
    try:
        with gzip.open(path) as file:
            magic, count, height, width = struct.unpack(">4i", file.read(16))
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise UserError(f"{path}: not a whole gzip file: {error}; git checkout -- {path}") from None
    if magic != IMAGES_MAGIC:
        raise UserError(f"{path}: IDX magic number is {magic}: allowed is {IMAGES_MAGIC}; git checkout -- {path}")
    return count, 1, height, width


def _missing(path: Path) -> UserError:
    return UserError(f"{path}: no such file; it is part of the repository: git checkout -- {path}")


def _unpack(path: Path, digest: str) -> bytes:
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: not a whole gzip file: {error}; git checkout -- {path}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise UserError(f"{path}: SHA-256 of the content is {found}: allowed is {digest}; git checkout -- {path}")
    return content


SOURCE = Source(mnist_shapes, load_mnist)
