"""What can become of an npz file: damages that the tests of observed and of restored images share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np


def rewritten(change: Callable[[dict], dict]) -> Callable[[Path], None]:
    """A damage that changes the file's arrays."""

    def damage(path: Path) -> None:
        with np.load(path) as archive:
            arrays = dict(archive)
        np.savez(path, **change(arrays))

    return damage


def without(name: str) -> Callable[[Path], None]:
    return rewritten(lambda arrays: {key: array for key, array in arrays.items() if key != name})


def with_value(name: str, value: float) -> Callable[[Path], None]:
    """The first number of an array changed."""

    def change(arrays: dict) -> dict:
        array = arrays[name].copy()
        array.flat[0] = value
        return arrays | {name: array}

    return rewritten(change)
