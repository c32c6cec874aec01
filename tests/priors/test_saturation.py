"""What reaches a frozen generator: the product of its factors, within its bound, the same on repeat."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from stages.pipeline.errors import UserError
from stages.pipeline.networks import network_writer
from stages.pipeline.params import Saturate, load_params
from stages.pipeline.storage import publish
from stages.priors.networks import Discriminator, Generator
from stages.priors.objectives import BY_NAME as ALL
from stages.priors.saturation import Duel, fight, frozen_generator, measure_gradients
from stages.priors.slopes import OBJECTIVES
from tests.project import ROOT


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_gradient_is_the_mean_of_slopes_times_gradients_of_logits(objective):
    """By autograd of the loss itself, weight by weight, in float64."""
    torch.manual_seed(1)
    generator = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 4), nn.Sigmoid()).double()
    discriminator = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.LeakyReLU(0.2), nn.Linear(6, 1)).double()
    weights = list(generator.parameters())
    logit = discriminator(generator(torch.randn(5, 3, dtype=torch.float64))).squeeze(1) * 20
    whole = torch.autograd.grad(ALL[objective].generator(logit), weights, retain_graph=True)
    slopes = ALL[objective].slope(logit)
    of_logits = [torch.autograd.grad(single, weights, retain_graph=True) for single in logit]
    for number, gradient in enumerate(whole):
        product = sum(slope * own[number] for slope, own in zip(slopes, of_logits, strict=True)) / len(logit)
        assert_close(product, gradient, rtol=1e-10, atol=1e-13)


def test_measured_numbers_are_those_of_a_linear_generator():
    """l_i = theta * z_i with z = 1 and -3: dl_i/dtheta = z_i, and everything else by hand."""
    generator = nn.Linear(1, 1, bias=False)
    nn.init.constant_(generator.weight, 2.0)
    logit = generator(torch.tensor([[1.0], [-3.0]])).squeeze(1)  # 2, -6
    row = measure_gradients(generator, logit, torch.tensor([3.0, -1.0]), {"least_squares": ALL["least_squares"]})
    expected = {
        "fake_logit": -2.0,
        "d_accuracy": 0.5,  # one of two real ones and one of two fakes
        "loss_slope": (1 + 7) / 2,
        "logit_grad_norm": 1.0,  # |(1 - 3) / 2|
        "g_grad_norm": 11.0,  # |(1 * 1 + -7 * -3) / 2|
        "largest_slope": 7.0,
        "sample_grad_norm": 2.0,  # (1 + 3) / 2
        "loss_by_output": 7**0.5,  # of |2 - 1| and |-6 - 1|
        "output_by_logit": 1.0,
    }
    assert row["least_squares"] == pytest.approx(expected)
    assert row["least_squares"]["g_grad_norm"] <= 7.0 * 2.0
    assert row["least_squares"]["g_grad_norm"] > 7.0 * 1.0  # the gradient of the mean logit gives no bound


@pytest.fixture
def duel(tmp_path) -> Duel:
    torch.manual_seed(2)
    generator = Generator(latent_dim=4, width=4, channels=1, image_size=28)
    path = tmp_path / "generator_3.safetensors"
    publish({path: network_writer(generator)})
    images = np.random.default_rng(0).integers(0, 256, (64, 1, 28, 28), dtype=np.uint8)
    settings = Saturate(seeds=1, at=[1, 3], codes=4, batch_size=4, width=4)
    train = load_params(ROOT / "params.yaml").train
    return Duel(path, 3, 0, images, settings, train, seed=0)


def test_objectives_with_the_same_discriminator_loss_share_a_discriminator(duel):
    reached = fight(duel)
    rows = {name: [row for row in reached.rows if row["objective"] == name] for name in OBJECTIVES}
    assert all([row["d_step"] for row in own] == [1, 3] for own in rows.values())
    of_discriminator = ("fake_logit", "d_accuracy", "logit_grad_norm", "sample_grad_norm")
    for one, two in zip(rows["minimax"], rows["non_saturating"], strict=True):
        assert [one[name] for name in of_discriminator] == [two[name] for name in of_discriminator]
        assert one["loss_slope"] + two["loss_slope"] == pytest.approx(1)  # sigmoid(l) and 1 - sigmoid(l)
    np.testing.assert_array_equal(reached.logits["minimax"], reached.logits["non_saturating"])
    assert reached.logits["minimax"][0] != reached.logits["least_squares"][0]


def test_every_point_is_within_the_bound_and_the_same_on_repeat(duel):
    first, second = fight(duel), fight(duel)
    assert first.rows == second.rows
    for row in first.rows:
        assert 0 < row["g_grad_norm"] <= row["largest_slope"] * row["sample_grad_norm"] * (1 + 1e-5)


def test_age_0_is_the_initial_generator_and_later_ones_are_those_kept(duel):
    initial, later = (frozen_generator(duel.generator, age, duel.seed) for age in (0, 3))
    assert initial.arguments == later.arguments
    assert not torch.equal(next(initial.parameters()), next(later.parameters()))
    assert_close(next(initial.parameters()).std(), torch.tensor(0.02), rtol=0.1, atol=0)
    with pytest.raises(UserError, match=r"generator_2\.safetensors: no such file"):
        frozen_generator(duel.generator.with_name("generator_2.safetensors"), 2, duel.seed)


def test_the_networks_of_the_study_pass_on_the_product_too(duel):
    """With one code the mean is a single term: the norm is the slope times the norm of the logit's gradient."""
    generator = frozen_generator(duel.generator, 3, 0).requires_grad_(True)
    discriminator = Discriminator(width=4, channels=1, image_size=28)
    logit = discriminator(generator(torch.randn(1, 4)))
    for row in measure_gradients(generator, logit, logit.detach(), ALL).values():
        assert row["g_grad_norm"] == pytest.approx(row["loss_slope"] * row["logit_grad_norm"], rel=1e-4)
