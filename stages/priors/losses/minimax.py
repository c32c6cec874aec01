"""Goodfellow et al. 2014, eq. 1: the generator minimises log(1 - sigmoid(l)), minus D's term on fakes."""

from torch import Tensor
from torch.nn.functional import softplus

from stages.priors.gan_loss import GanLoss, cross_entropy


def generator_loss(fake_logit: Tensor) -> Tensor:
    """log(1 - sigmoid(l)) = -softplus(l), so that no logit overflows."""
    return -softplus(fake_logit).mean()


LOSS = GanLoss(cross_entropy, generator_loss, threshold=0.0)
