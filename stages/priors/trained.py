"""What training leaves of a prior, on the disk: generators of some epochs, their samples, and the history."""

import re

import numpy as np
import pandas as pd

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import Array, Number, load_arrays, load_table, load_weights

POSITIVE = Number(low=0)
OF_DISCRIMINATOR = Number(empty=True)  # a prior that is trained without a discriminator leaves these cells empty
HISTORY = {
    "epoch": Number(low=1),
    "d_steps": POSITIVE,
    "g_steps": POSITIVE,
    "d_loss": OF_DISCRIMINATOR,
    "g_loss": Number(),
    "real_logit": OF_DISCRIMINATOR,
    "fake_logit": OF_DISCRIMINATOR,
    "d_accuracy": Number(low=0, high=1, empty=True),
    "g_grad_norm": POSITIVE,
    "loss_slope": Number(low=0, empty=True),
}
IN_REPOSITORY = ("non_saturating", "vae", "vae-flow")  # priors of MNIST's digits that data/trained has
HISTORY_FILE, SAMPLES = "history.csv", "samples.npz"  # beside generator_<epoch>.safetensors
SAMPLE_NAME = re.compile(r"epoch_([1-9][0-9]*)")


def load_history(prior: str) -> pd.DataFrame:
    """One row an epoch. Raises UserError for a file that is missing, damaged or has other columns."""
    return load_table(artifacts.training(prior, HISTORY_FILE), HISTORY)


def load_samples(prior: str) -> dict[int, np.ndarray]:
    """epoch -> images (64, C, S, S), uint8, of each generator that training kept, in the order of the epochs."""
    path = artifacts.training(prior, SAMPLES)
    grid = Array("uint8", ("N", "C", "S", "S"))
    arrays = load_arrays(path, {}, lambda name: grid if SAMPLE_NAME.fullmatch(name) else None)
    if not arrays:
        raise UserError(f"{path}: it holds no samples")
    return dict(sorted((int(name.removeprefix("epoch_")), images) for name, images in arrays.items()))


def image_shape(name: str, in_repository: bool = False) -> tuple[int, int]:
    """(C, S) of the images that a prior draws, with a flow or without.

    Raises UserError if a file is missing, with the quickest remedy if data/trained may have it, or is no generator.
    """
    prior, latent = artifacts.prior_and_latent(name)
    path = artifacts.generator(prior)
    if in_repository and name in IN_REPOSITORY and not path.exists():
        pull = "dvc pull -q -r trained --allow-missing"
        raise UserError(f"{path}: no such file; `{pull}` brings it in seconds, `dvc repro` makes it")
    _, arguments = load_weights(path)
    if not {"channels", "image_size"} <= arguments.keys():
        raise UserError(f"{path}: not a Generator: its arguments are {arguments}")
    for path in (artifacts.misfit(name), *([artifacts.flow(prior)] if latent == artifacts.FLOW else [])):
        if not path.is_file():
            raise UserError(f"{path}: no such file; `dvc repro` makes it")
    return arguments["channels"], arguments["image_size"]
