"""How many images a study asks for, against how many there are."""

from stages.pipeline.errors import UserError
from stages.pipeline.params import PARAMS_FILE, Params


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
