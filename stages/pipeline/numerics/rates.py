"""Learning rates that fall while a network is trained."""

import math

from torch.optim import Optimizer


def cosine(share: float) -> float:
    """Half a cosine, from 1 at the start of training to 0 at the end, at this share of its steps.

    Loshchilov & Hutter 2017, eq. 5, without restarts.
    """
    return (1 + math.cos(math.pi * share)) / 2


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """The rate of the next step, for all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate
