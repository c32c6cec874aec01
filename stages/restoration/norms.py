"""Which distance between G(z) and what was seen fits which corruption: the data terms that are compared, tuned alike.

Each is minus the logarithm of a density of the residual (up to a constant), so that the prior's weight follows from it
and is not a knob: all have the same variance s^2 = sensor noise + the misfit's mean. Without the prior s hardly
matters.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.seeding import numpy_stream
from stages.restoration.objective import DataTerm, Misfit, Objective
from stages.restoration.observation import Observation, clean

# Standard deviations where squares become absolute values: 95 % efficient under normal noise.
HUBER = 1.345
NORMS = ("l2_all", "l2", "l1", "huber", "misfit")  # l2_all counts hidden pixels as black, the others known pixels only


def norm_objective(norm: str, prior: bool, observation: Observation, misfit: Misfit, mean_misfit: float) -> Objective:
    """The energy with one of NORMS as its data term; `mean_misfit` is the variance v averaged over images."""
    if norm == "l2_all":
        observation = replace(observation, mask=np.ones_like(observation.mask))
    return Objective(observation, _data_terms(misfit, mean_misfit)[norm], prior=float(prior))


def _data_terms(misfit: Misfit, mean_misfit: float) -> dict[str, DataTerm]:
    def scaled(of: Callable[[Tensor], Tensor]) -> DataTerm:
        return lambda residual, images, sensor: of(residual / (sensor + mean_misfit).sqrt())

    square = scaled(lambda r: r.square() / 2)
    return {
        "l2_all": square,
        "l2": square,
        "l1": scaled(lambda r: 2**0.5 * r.abs()),  # Laplace density of variance 1
        "huber": scaled(lambda r: torch.where(r.abs() < HUBER, r.square() / 2, HUBER * (r.abs() - HUBER / 2))),
        "misfit": misfit.data_term,
    }


def salt_and_pepper(images: np.ndarray, share: float, seed: int) -> Observation:
    """Every pixel black with probability share / 2, white with as much; which ones, nobody tells: sigma is 0."""
    draw = numpy_stream(seed, "salt and pepper").random(images[:, :1].shape)
    y = np.where(draw < share / 2, 0, np.where(draw < share, 1, images)).astype(np.float32)
    return replace(clean(images), y=y)
