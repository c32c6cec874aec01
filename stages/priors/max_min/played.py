"""What the three orders leave on the disk: samples of every pair of networks, at the end and on the way."""

import re

import numpy as np

from stages.pipeline.artifacts import MODES
from stages.pipeline.errors import UserError
from stages.pipeline.storage import Array, Arrays, load_arrays
from stages.priors.slopes import GAN_LOSSES

MIN_MAX, ONE_TO_ONE, MAX_MIN = ORDERS = ("min_max", "one_to_one", "max_min")
FILMED = "ring"  # of whose pairs in the order max_min surfaces are kept too
IMAGES = "images"  # what is learned beside the mixtures, where images have labels
FINAL, FRAMES, SURFACE = "final", "frames", "surface"
AXES: dict[str, tuple[str | int, ...]] = {
    FINAL: ("seeds", "N", "D"),
    FRAMES: ("seeds", "T", "M", "D"),  # of the last half of the steps
    SURFACE: ("T", "S", "S"),  # the first seed's logits over the box at each of the frames: [y, x], both rising
}
MEAN, LOADINGS = "mean", "loadings"  # of the coordinates in which images are drawn
SAMPLES_FILE = MODES / "samples.npz"
NAME = re.compile(r"(\w+)/(\w+)/(\w+)/(\w+)")


def name_of(data: str, order: str, loss: str, kind: str) -> str:
    """The name of an array."""
    return f"{data}/{order}/{loss}/{kind}"


def load_played() -> Arrays:
    """All arrays, by `name_of`. Raises UserError for a file that is missing, damaged or lacks samples of an order."""

    def expected(name: str) -> Array | None:
        if name in (MEAN, LOADINGS):
            return Array("float32", ("C", "S", "S") if name == MEAN else ("values", "D"))
        found = NAME.fullmatch(name)
        if found is None or found[4] not in AXES:
            return None
        # Lengths of their own for each kind of data, since images have more dimensions than the plane; and frames for
        # each order, of which short games have fewer.
        data, order = found[1], found[2]
        of = {"seeds": "", "T": f"{data} {order} "}
        own = tuple(axis if isinstance(axis, int) else f"{of.get(axis, f'{data} ')}{axis}" for axis in AXES[found[4]])
        return Array("float32", own)

    path = SAMPLES_FILE
    arrays = load_arrays(path, {}, expected)
    if not arrays:
        raise UserError(f"{path}: it holds no samples")
    for data in data_of(arrays):
        for order in ORDERS:
            for loss in GAN_LOSSES:
                for kind in (FINAL, FRAMES, SURFACE)[: 3 if (data, order) == (FILMED, MAX_MIN) else 2]:
                    if (name := name_of(data, order, loss, kind)) not in arrays:
                        raise UserError(f"{path}: array {name!r} is missing: run `dvc repro`")
    return arrays


def data_of(arrays: Arrays) -> list[str]:
    """What was learned: ring, grid and, where images have labels, images."""
    return list(dict.fromkeys(name.split("/")[0] for name in arrays if "/" in name))


def samples_of(arrays: Arrays, data: str, order: str, loss: str, kind: str) -> np.ndarray:
    """One of the arrays."""
    return arrays[name_of(data, order, loss, kind)]
