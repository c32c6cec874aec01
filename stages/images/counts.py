"""The images that there are, against those that a study can use and asks for."""

from stages.pipeline.errors import UserError
from stages.pipeline.numerics.sizes import doublings
from stages.pipeline.params import PARAMS_FILE, Params

LEAST_JUDGED = 10  # images in a cloud, since the nearest-neighbour measures look at 5 neighbours
Shape = tuple[int, int, int, int]  # (N, C, H, W)


def check_shapes(shapes: dict[str, Shape]) -> tuple[int, int]:
    """Channels and size of the images of `train` and `test`.

    Raises UserError unless both are square, of one size that the networks can have, with 1 or 3 channels.
    """
    _, channels, height, width = shapes["train"]
    if shapes["test"][1:] != (channels, height, width) or height != width or channels not in (1, 3):
        found = " and ".join(f"{name} {shape[1:]}" for name, shape in shapes.items())
        raise UserError(f"images of {found} (channels, height, width): allowed are 1 or 3, square, all of one size")
    try:
        doublings(height)
    except ValueError as error:
        raise UserError(str(error)) from None
    if shapes["test"][0] < LEAST_JUDGED:
        raise UserError(f"{shapes['test'][0]} test images: allowed are at least {LEAST_JUDGED}")
    return channels, height


def check_counts(params: Params, training: int, test: int) -> None:
    """Raise UserError where more images are asked for than there are.

    `training` counts the training images before those for validation are set apart.
    """
    validation = params.data.validation
    kept = training - validation
    at_most = {
        "data.validation": (validation, training - 1),
        "train.batch_size": (params.train.batch_size, kept),
        "train.discriminator_steps": (params.train.discriminator_steps, kept // params.train.batch_size),
        "judge.samples": (params.judge.samples, kept),
        "images": (params.images, min(kept, validation, test)),
        "norms.images": (params.norms.images, test),
        "solvers.images": (params.solvers.images, validation),
    }
    for key, (value, limit) in at_most.items():
        if value > limit:
            raise UserError(f"{PARAMS_FILE}: {key} = {value}: allowed with these images is at most {limit}")
