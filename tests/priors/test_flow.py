"""Flows: one to one, with the determinant of their Jacobian, and fitted to codes."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stages.pipeline.params import FlowFit
from stages.priors.flow import BOUND, Flow, initialise_flow, normal_log_density
from stages.priors.flow_fit import Codes, encode, fit_encoder, fit_flow
from stages.priors.misfit import Misfit

SETTINGS = FlowFit(
    encoder_epochs=60, refine_steps=20, batch_size=20, steps=300, learning_rate=0.01, couplings=4, width=16
)


def random_flow(latent_dim: int, dtype: torch.dtype = torch.float64) -> Flow:
    """A flow that is far from the identity."""
    flow = Flow(latent_dim=latent_dim, couplings=4, width=16)
    stream = torch.Generator().manual_seed(0)
    initialise_flow(flow, stream)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=stream)
    return flow.to(dtype).requires_grad_(False)


@pytest.mark.parametrize("latent_dim", [2, 5, 8])
def test_a_flow_is_inverted_by_its_inverse(latent_dim):
    flow, u = random_flow(latent_dim), torch.randn(7, latent_dim, dtype=torch.float64)
    z = flow(u)
    assert (z - u).abs().max() > 0.5
    assert_close(flow.inverse(z)[0], u, rtol=0, atol=1e-9)


def test_a_saved_flow_has_the_orders_of_its_training():
    flow, other = random_flow(8), random_flow(8)
    for part in other.parts:  # as a new flow would have them if the stream of halves were another
        part.order.copy_(part.order.roll(3))
    other.load_state_dict(flow.state_dict())
    u = torch.randn(7, 8, dtype=torch.float64)
    assert torch.equal(other(u), flow(u))
    assert_close(other.inverse(other(u))[0], u, rtol=0, atol=1e-9)


@pytest.mark.parametrize("latent_dim", [2, 5, 8])
def test_the_log_determinant_is_that_of_the_whole_jacobian(latent_dim):
    flow = random_flow(latent_dim)
    z = flow(torch.randn(7, latent_dim, dtype=torch.float64))
    jacobians = torch.func.vmap(torch.func.jacrev(lambda point: flow.inverse(point[None])[0][0]))(z)
    assert_close(flow.inverse(z)[1], torch.linalg.slogdet(jacobians).logabsdet, rtol=1e-9, atol=1e-9)


def test_the_density_of_a_flow_in_two_dimensions_integrates_to_one():
    flow = random_flow(2)
    reach, step = 60.0, 0.05
    axis = torch.arange(-reach, reach, step, dtype=torch.float64)
    total = sum(
        flow.log_density(torch.stack([axis, x.expand_as(axis)], dim=1)).exp().sum().item() * step**2 for x in axis
    )
    assert abs(total - 1) < 1e-3


def test_a_flow_starts_as_the_identity():
    flow = Flow(latent_dim=5, couplings=3, width=8)
    initialise_flow(flow, torch.Generator().manual_seed(0))
    u = torch.randn(4, 5)
    assert_close(flow(u), u)
    assert_close(flow.log_density(u), normal_log_density(u))
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(u).sum(dim=1)
    assert_close(normal_log_density(u), expected)


def test_a_coupling_stretches_no_more_than_its_bound():
    flow = random_flow(6)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter *= 100
    _, log_determinant = flow.inverse(torch.randn(9, 6, dtype=torch.float64))
    assert log_determinant.abs().max() <= 4 * 3 * BOUND + 1e-9


def curved(count: int, seed: int) -> Codes:
    """Codes of `count` images on a curve."""
    level = torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) * 4 - 2
    mean = torch.stack([level[:, 0], level[:, 0].square() - 1, level[:, 1], level[:, 2]], dim=1)
    return Codes(mean, torch.full_like(mean, 0.1))


def drawn_of(codes: Codes, seed: int) -> torch.Tensor:
    return codes.draw(torch.arange(len(codes.mean)), torch.Generator().manual_seed(seed))


def test_a_flow_learns_where_codes_are(exact):
    flow, history = fit_flow(curved(2000, 0), curved(500, 1), SETTINGS, 0, exact)
    assert [row["step"] for row in history] == list(range(30, 301, 30))
    best = max(row["validation"] for row in history)
    assert best > history[0]["normal"] + 2  # nats: a curve, and even between its ends
    assert flow.log_density(drawn_of(curved(500, 2), 3)).mean().item() == pytest.approx(best, abs=0.3)
    drawn = flow(torch.randn(2000, 4, generator=torch.Generator().manual_seed(4)))
    assert (drawn[:, 1] - drawn[:, 0].square() + 1).abs().median() < 0.4  # N(0, I) has 1.3
    again, repeated = fit_flow(curved(2000, 0), curved(500, 1), SETTINGS, 0, exact)
    assert repeated == history
    assert all(torch.equal(a, b) for a, b in zip(flow.state_dict().values(), again.state_dict().values(), strict=True))


def test_the_flow_of_the_best_step_is_kept(exact):
    """With few images it soon fits these alone."""
    few, others = curved(3, 0), curved(200, 1)
    settings = SETTINGS.model_copy(update={"steps": 600, "learning_rate": 0.03, "width": 64})
    flow, history = fit_flow(few, others, settings, 0, exact)
    likely = [row["validation"] for row in history]
    assert likely[-1] < max(likely)
    found = np.mean([flow.log_density(drawn_of(others, seed)).mean().item() for seed in range(20)])
    assert abs(found - max(likely)) < abs(found - likely[-1])


def test_an_encoder_finds_the_codes_of_what_a_generator_draws(tiny_generator, exact):
    codes = torch.randn(200, 4, generator=torch.Generator().manual_seed(5))
    images = (tiny_generator(codes) * 255).round().byte().numpy()
    encoder = fit_encoder(tiny_generator, Misfit(0.01), images[:160], SETTINGS, 0, exact)
    found = encode(encoder, images[160:], exact)
    assert (found.mean - codes[160:]).square().mean() < 0.5 * codes[160:].square().mean()
    assert 0 < found.deviation.max() < 1.5 and not encoder.training
