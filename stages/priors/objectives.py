"""The objectives whose gradients are compared: the GAN losses, and one that is often programmed by mistake."""

from stages.priors.gan_loss import GanLoss
from stages.priors.losses import least_squares, minimax, non_saturating

# Least squares on sigmoid(l), a module left over from the cross entropy.
ON_SIGMOID = GanLoss(
    lambda real_logit, fake_logit: least_squares.discriminator_loss(real_logit.sigmoid(), fake_logit.sigmoid()),
    lambda fake_logit: least_squares.generator_loss(fake_logit.sigmoid()),
    threshold=0.0,
)
BY_NAME = {  # in the order of slopes.OBJECTIVES
    "minimax": minimax.LOSS,
    "non_saturating": non_saturating.LOSS,
    "least_squares": least_squares.LOSS,
    "least_squares_on_sigmoid": ON_SIGMOID,
}
