"""What a GAN loss is: two functions of logits, the discriminator's last linear output."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from stages.pipeline.errors import UserError
from stages.priors.adversarial import Players
from stages.priors.training import Learner, Loss, Setting


@dataclass(frozen=True)
class GanLoss(Loss):
    """One GAN objective. Both functions take logits (N,) and return the mean over the batch, to be minimised."""

    discriminator: Callable[[Tensor, Tensor], Tensor]  # (real logits, fake logits) -> scalar
    generator: Callable[[Tensor], Tensor]  # fake logits -> scalar
    threshold: float  # the logit below which the discriminator calls an image fake, above it real

    def learner(self, setting: Setting) -> Learner:
        """Both networks before their first step. Raises UserError if an epoch is too short for a generator step."""
        if len(setting.images) < (needed := setting.params.batch_size * setting.params.discriminator_steps):
            raise UserError(
                f"{len(setting.images)} training images: allowed are at least {needed}, "
                "train.batch_size * train.discriminator_steps"
            )
        return Players(self, setting)

    def slope(self, fake_logit: Tensor) -> Tensor:
        """dL_G/dl at each fake logit (N,): what is left of the discriminator's opinion when it reaches the generator.

        By the chain rule the generator's gradient is this slope times the gradient of the logit, so a slope of zero is
        a generator that learns nothing. Derived by autograd from the very function that training minimises.
        """
        with torch.enable_grad():
            logit = fake_logit.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.generator(logit), logit)
        return slope * logit.numel()  # undo the mean over the batch


def cross_entropy(real_logit: Tensor, fake_logit: Tensor) -> Tensor:
    """The discriminator's loss of Goodfellow et al. 2014, eq. 1: -log sigmoid(real) - log(1 - sigmoid(fake)).

    Written with softplus, log(1 + e^l), so that no logit overflows and small slopes keep their digits.
    """
    return (softplus(-real_logit) + softplus(fake_logit)).mean()
