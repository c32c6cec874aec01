"""The formulas of the slopes and of their two factors, held to autograd."""

import numpy as np
import pytest
import torch

from stages.priors.objectives import BY_NAME
from stages.priors.slopes import GAN_LOSSES, OBJECTIVES, loss_by_output, output_by_logit, sigmoid, slope

LOGITS = np.linspace(-20, 20, 81)


def test_every_objective_has_its_formulas():
    assert tuple(BY_NAME) == OBJECTIVES
    assert OBJECTIVES[:3] == GAN_LOSSES


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_slopes_are_those_of_autograd(objective):
    by_autograd = BY_NAME[objective].slope(torch.from_numpy(LOGITS)).numpy()
    np.testing.assert_allclose(slope(objective, LOGITS), by_autograd, rtol=1e-6, atol=1e-16)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_slope_is_the_product_of_its_factors(objective):
    product = loss_by_output(objective, LOGITS) * output_by_logit(objective, LOGITS)
    np.testing.assert_allclose(product, slope(objective, LOGITS), rtol=1e-12)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_factors_are_those_of_autograd(objective):
    """dD/dl of D itself, and dL/dD of the loss as a function of D."""
    logit = torch.from_numpy(LOGITS).requires_grad_()
    output = logit * 1 if objective == "least_squares" else torch.sigmoid(logit)
    (by_logit,) = torch.autograd.grad(output.sum(), logit, retain_graph=True)
    if objective == "minimax":
        loss = torch.log(1 - output)
    elif objective == "non_saturating":
        loss = -torch.log(output)
    else:
        loss = (output - 1).square() / 2
    (by_output,) = torch.autograd.grad(loss.sum(), output)
    np.testing.assert_allclose(output_by_logit(objective, LOGITS), by_logit.numpy(), rtol=1e-6)
    np.testing.assert_allclose(loss_by_output(objective, LOGITS), by_output.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("objective", "expected"), list(zip(OBJECTIVES, (-4.5398e-5, -0.9999546, -11.0, -4.5394e-5), strict=True))
)
def test_slope_at_a_confident_rejection(objective, expected):
    np.testing.assert_allclose(slope(objective, np.array([-10.0])), [expected], rtol=1e-4)


def test_no_logit_overflows():
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(sigmoid(np.array([-1000.0, 0.0, 1000.0])), [0, 0.5, 1])
        for objective in OBJECTIVES[:3]:
            assert np.isfinite(slope(objective, np.array([-1000.0, 1000.0]))).all()
