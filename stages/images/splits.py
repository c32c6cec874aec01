"""The three splits of an image set: train, validation and test, and the file that their images lie in."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from stages.images.counts import Header, check_shape, split_counts
from stages.images.source import MOST_CLASSES, Pool
from stages.images.stored import Images, StoredImages, stored_shape
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import Data
from stages.pipeline.storage import (
    Array,
    Writer,
    array_writer,
    json_writer,
    load_arrays,
    load_word,
    publish,
    sha256,
)

LABEL = Array("uint8", ("N",), low=0, high=MOST_CLASSES - 1)
SCHEMA = {"places": Array("int64", ("N",), low=0), "labels": replace(LABEL, required=False)}
COPIED, IN_PLACE = "copied", "in place"


@dataclass(frozen=True)
class Split:
    """Images and what they show."""

    images: Images  # (N, C, S, S), uint8
    labels: np.ndarray | None  # (N,), uint8; None where the set has no classes


def split_places(header: Header, data: Data, seed: int) -> dict[str, np.ndarray]:
    """Where the images of `train`, `validation` and `test` stand among all, int64: no image in two of them."""
    training, validation, test = split_counts(header, data)
    count = header.shape[0]
    drawn = count - header.own_test  # those that it is open where they go
    if data.split == "in_order":
        places = np.arange(count)
        return {
            "train": places[:training],
            "validation": places[training : training + validation],
            "test": places[count - test :],
        }
    order = numpy_stream(seed, "split").permutation(drawn)
    own_test = np.arange(drawn, count)
    return {
        "train": order[validation + test - header.own_test :],
        "validation": order[:validation],
        "test": own_test if header.own_test else order[validation : validation + test],
    }


def save_splits(header: Header, pool: Pool, places: dict[str, np.ndarray]) -> None:
    """Write the places and labels of the splits, and the images unless they are used where they lie."""
    writers: dict[Path, Writer] = {}
    for name, own in places.items():
        labels = {} if pool.labels is None else {"labels": pool.labels[own]}
        writers[artifacts.split(name)] = array_writer({"places": own} | labels)
    if isinstance(pool.images, Path):
        # With the hash of the images, so that other ones are another output, after which all that comes is run anew.
        used = {"images": IN_PLACE, "sha256": sha256(pool.images)}
    else:
        used = {"images": COPIED}
        writers[artifacts.images()] = _images_writer(header, pool.images)
    publish(writers | {artifacts.images_used(): json_writer(used)})
    if artifacts.images() not in writers:
        artifacts.images().unlink(missing_ok=True)  # those of the set before


def load_split(name: str, data: Data) -> Split:
    """A split. Raises UserError for a file that is missing, damaged or does not hold square images."""
    path = artifacts.split(name)
    arrays = load_arrays(path, SCHEMA)
    used = load_word(artifacts.images_used(), "images", (COPIED, IN_PLACE))
    images = artifacts.images() if used == COPIED else Path(data.path)
    count, *shape = stored_shape(images)
    check_shape(images, *shape)
    if (last := arrays["places"].max()) >= count:
        raise UserError(f"{images}: holds {count} images, {path} asks for number {last}: run `dvc repro`")
    return Split(StoredImages(images, arrays["places"]), arrays.get("labels"))


def split_files(name: str) -> list[Path]:
    """The files that say which images a split has; those of `array` by their hash."""
    copied = [artifacts.images()] if artifacts.images().exists() else []
    return [artifacts.split(name), artifacts.images_used(), *copied]


def _images_writer(header: Header, rows: Iterable[np.ndarray]) -> Writer:
    """An .npy (N, S, S, C), written row by row."""
    count, channels, height, width = header.shape

    def write(file: IO[bytes]) -> None:
        shape = (count, height, width, channels)
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        written = 0
        for row in rows:
            file.write(np.ascontiguousarray(row, dtype=np.uint8).tobytes())
            written += 1
        assert written == count, f"{written} images, the header says {count}"

    return write
