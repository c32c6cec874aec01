"""Values and derivatives of the GAN losses, pinned where the formulas give them."""

import math

import pytest
import torch
from torch.testing import assert_close

from stages.pipeline.errors import UserError
from stages.priors.gan_loss import GanLoss
from stages.priors.training import load_loss

LOGITS = [-100.0, -10.0, -1.0, 0.0, 1.0, 10.0, 100.0]


def softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


GENERATOR = {
    "minimax": (lambda x: -softplus(x), lambda x: -sigmoid(x)),
    "non_saturating": (lambda x: softplus(-x), lambda x: -sigmoid(-x)),
    "least_squares": (lambda x: (x - 1) ** 2 / 2, lambda x: x - 1),
}
LOSSES = {name: loss for name in GENERATOR if isinstance(loss := load_loss(name), GanLoss)}


def test_losses_have_names():
    assert LOSSES.keys() == GENERATOR.keys()
    with pytest.raises(UserError, match=r"no_such: stages/priors/losses has no no_such\.py; it has glo, "):
        load_loss("no_such")


@pytest.mark.parametrize("logit", LOGITS)
@pytest.mark.parametrize("loss", LOSSES)
def test_generator_value_and_slope(loss, logit):
    value, slope = GENERATOR[loss]
    tensor = torch.tensor([logit], dtype=torch.float64)
    assert_close(LOSSES[loss].generator(tensor).item(), value(logit), rtol=1e-9, atol=1e-12)
    assert_close(LOSSES[loss].slope(tensor).item(), slope(logit), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "expected"), [("minimax", -4.54e-5), ("non_saturating", -1.0), ("least_squares", -11.0)]
)
def test_slope_at_a_confident_rejection(loss, expected):
    """The number that explains saturation: what reaches the generator when the discriminator is sure, l = -10."""
    assert_close(LOSSES[loss].slope(torch.tensor([-10.0])).item(), expected, rtol=1e-3, atol=0)


def test_slopes_are_those_of_each_logit_and_not_of_the_mean():
    logits = torch.tensor([-3.0, 0.5, 2.0])
    together = LOSSES["non_saturating"].slope(logits)
    alone = torch.cat([LOSSES["non_saturating"].slope(logit[None]) for logit in logits])
    assert_close(together, alone)


@pytest.mark.parametrize(("real", "fake"), [(2.0, -3.0), (-1.0, 4.0), (0.0, 0.0)])
def test_discriminator_values(real, fake):
    real_logit, fake_logit = torch.tensor([real]), torch.tensor([fake])
    entropy = softplus(-real) + softplus(fake)
    squares = ((real - 1) ** 2 + fake**2) / 2
    for loss, expected in {"minimax": entropy, "non_saturating": entropy, "least_squares": squares}.items():
        assert_close(LOSSES[loss].discriminator(real_logit, fake_logit).item(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_means_over_the_batch(loss):
    logits = torch.tensor([-2.0, 1.0, 3.0])
    alone = torch.stack([LOSSES[loss].generator(logit[None]) for logit in logits])
    assert_close(LOSSES[loss].generator(logits), alone.mean())
