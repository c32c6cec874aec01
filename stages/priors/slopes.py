"""The slope dL_G/dl of each objective by the logit, and the two factors that it is made of.

D is what the discriminator says of an image: sigmoid(l), or l itself where the loss takes the bare linear output. By
the chain rule dL/dl = (dL/dD) * (dD/dl). Formulas in NumPy, for figures and tables; tests hold them to autograd.
"""

import numpy as np

OBJECTIVES = ("minimax", "non_saturating", "least_squares", "least_squares_on_sigmoid")
GAN_LOSSES = OBJECTIVES[:3]  # those that priors are trained with; the last one is a mistake that this study shows


def sigmoid(logit: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-l)), so that no logit overflows and small values keep their digits."""
    return np.exp(-np.logaddexp(0, -logit))


def loss_by_output(objective: str, logit: np.ndarray) -> np.ndarray:
    """dL/dD at logits (N,). Infinite for minimax where sigmoid(l) rounds to 1, and likewise for non_saturating at 0."""
    if objective == "minimax":  # L = log(1 - D)
        return -1 / sigmoid(-logit)
    if objective == "non_saturating":  # L = -log D
        return -1 / sigmoid(logit)
    if objective == "least_squares":  # L = (D - 1)^2 / 2, D = l
        return logit - 1
    return -sigmoid(-logit)  # L = (D - 1)^2 / 2, D = sigmoid(l)


def output_by_logit(objective: str, logit: np.ndarray) -> np.ndarray:
    """dD/dl at logits (N,): 1 for least_squares, else the derivative of the sigmoid."""
    if objective == "least_squares":
        return np.ones_like(logit)
    return sigmoid(logit) * sigmoid(-logit)


def slope(objective: str, logit: np.ndarray) -> np.ndarray:
    """dL/dl at logits (N,): the product of the two, in the form that keeps its digits."""
    if objective == "minimax":
        return -sigmoid(logit)
    if objective == "non_saturating":
        return -sigmoid(-logit)
    return loss_by_output(objective, logit) * output_by_logit(objective, logit)
