"""Mao et al. 2017, eq. 9, with targets 0 (fake), 1 (real) and 1 (wanted by the generator)."""

from torch import Tensor

from stages.priors.gan_loss import GanLoss


def discriminator_loss(real_logit: Tensor, fake_logit: Tensor) -> Tensor:
    """((l_real - 1)^2 + l_fake^2) / 2."""
    return ((real_logit - 1).square() + fake_logit.square()).mean() / 2


def generator_loss(fake_logit: Tensor) -> Tensor:
    """(l - 1)^2 / 2."""
    return (fake_logit - 1).square().mean() / 2


LOSS = GanLoss(discriminator_loss, generator_loss, threshold=0.5)
