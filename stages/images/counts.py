"""The images that there are, against those that a study can use and asks for."""

from dataclasses import dataclass
from pathlib import Path

from stages.pipeline.errors import UserError
from stages.pipeline.numerics.sizes import doublings
from stages.pipeline.params import PARAMS_FILE, Data, Params

LEAST_JUDGED = 10  # images in a cloud, since the nearest-neighbour measures look at 5 neighbours
Shape = tuple[int, int, int, int]  # (N, C, H, W)


@dataclass(frozen=True)
class Header:
    """What is known of an image set before its images are read."""

    shape: Shape  # of all images
    own_test: int = 0  # how many of them, at the end, are test images of the set's own; 0 if it has none


def check_shape(path: str | Path, channels: int, height: int, width: int) -> None:
    """Raise UserError unless images are square, of a size that the networks can have, with 1 or 3 channels."""
    if height != width or channels not in (1, 3):
        raise UserError(
            f"{path}: images of {height}x{width} pixels and channels {channels}: allowed are square ones with 1 or 3"
        )
    try:
        doublings(height)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def check_counts(params: Params, header: Header) -> tuple[int, int, int]:
    """How many images are for training, validation and test.

    Raises UserError with every key that asks for more than there are.
    """
    training, validation, test = split_counts(header, params.data)
    rest = training + validation
    _refuse({"data.validation": (validation, rest - 1)})  # these two first, since the other limits depend on them
    _refuse({"train.batch_size": (params.train.batch_size, training)})
    _refuse(
        {
            "train.discriminator_steps": (params.train.discriminator_steps, training // params.train.batch_size),
            "judge.samples": (params.judge.samples, training),
            "images": (params.images, min(training, validation, test)),
            "density.images": (params.density.images, test),
            "likelihood.images": (params.likelihood.images, test),
            "likelihood.validation": (params.likelihood.validation, validation),
            "norms.images": (params.norms.images, test),
            "solvers.images": (params.solvers.images, validation),
        }
    )
    return training, validation, test


def _refuse(counts: dict[str, tuple[int, int]]) -> None:
    """Raise UserError with every key whose value is above its limit."""
    above = [
        f"{key} = {value}: allowed with these images is at most {limit}"
        for key, (value, limit) in counts.items()
        if value > limit
    ]
    if above:
        raise UserError(f"{PARAMS_FILE}: {'; '.join(above)}")


def split_counts(header: Header, data: Data) -> tuple[int, int, int]:
    """How many images are for training, validation and test; training may be none or less, which `check_counts` tells.

    Raises UserError where params.yaml asks for test images that the set has already, or for none or too many.
    """
    count = header.shape[0]
    if header.own_test:
        if data.test is not None:
            raise UserError(
                f"{PARAMS_FILE}: data.test = {data.test}: allowed is null, since {data.name} has {header.own_test} "
                "test images of its own"
            )
        test = header.own_test
    else:
        if data.test is None:
            raise UserError(
                f"{PARAMS_FILE}: data.test = None: allowed is a number, since {data.name} has no test images of its own"
            )
        test = data.test
        if test > count - 2:
            raise UserError(f"{PARAMS_FILE}: data.test = {test}: allowed with these images is at most {count - 2}")
    if test < LEAST_JUDGED:
        raise UserError(f"{test} test images: allowed are at least {LEAST_JUDGED}")
    return count - test - data.validation, data.validation, test
