"""The GAN objectives, as functions of logits (the discriminator's last linear output).

minimax          Goodfellow et al. 2014, eq. 1: the generator minimises log(1 - sigmoid(l)).
non_saturating   Goodfellow et al. 2014, sec. 3: the generator maximises log(sigmoid(l)) instead.
least_squares    Mao et al. 2017, eq. 9 with targets 0 (fake), 1 (real) and 1 (wanted by the generator).

Written with softplus, log(1 + e^l), so that no logit overflows and small slopes keep their digits.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus


def _cross_entropy_discriminator(real_logit: Tensor, fake_logit: Tensor) -> Tensor:
    return (softplus(-real_logit) + softplus(fake_logit)).mean()


def _minimax_generator(fake_logit: Tensor) -> Tensor:
    return -softplus(fake_logit).mean()


def _non_saturating_generator(fake_logit: Tensor) -> Tensor:
    return softplus(-fake_logit).mean()


def _least_squares_discriminator(real_logit: Tensor, fake_logit: Tensor) -> Tensor:
    return ((real_logit - 1).square() + fake_logit.square()).mean() / 2


def _least_squares_generator(fake_logit: Tensor) -> Tensor:
    return (fake_logit - 1).square().mean() / 2


@dataclass(frozen=True)
class GanLoss:
    """One GAN objective. Both functions take logits (N,) and return the mean over the batch, to be minimised."""

    discriminator: Callable[[Tensor, Tensor], Tensor]  # (real logits, fake logits) -> scalar
    generator: Callable[[Tensor], Tensor]  # fake logits -> scalar
    threshold: float  # the logit between what the discriminator calls fake (below) and real (above)

    def slope(self, fake_logit: Tensor) -> Tensor:
        """dL_G/dl at each fake logit (N,): what is left of the discriminator's opinion when it reaches the generator.

        By the chain rule the generator's gradient is this slope times the gradient of the logit, so a slope of zero is
        a generator that learns nothing. Derived by autograd from the very function that training minimises.
        """
        with torch.enable_grad():
            logit = fake_logit.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.generator(logit), logit)
        return slope * logit.numel()  # undo the mean over the batch


LOSSES = {
    "minimax": GanLoss(_cross_entropy_discriminator, _minimax_generator, threshold=0.0),
    "non_saturating": GanLoss(_cross_entropy_discriminator, _non_saturating_generator, threshold=0.0),
    "least_squares": GanLoss(_least_squares_discriminator, _least_squares_generator, threshold=0.5),
}
