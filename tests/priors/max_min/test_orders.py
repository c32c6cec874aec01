"""Many networks at once are what each is alone; orders take the steps that they are named for."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import Modes
from stages.priors.max_min.orders import SNAPSHOTS, Duels, Run, steps_of_a_round
from stages.priors.max_min.played import ORDERS
from stages.priors.max_min.stacked import SLOPE, StackedMlp
from stages.priors.max_min.targets import mixture_target
from stages.priors.objectives import BY_NAME
from stages.priors.slopes import GAN_LOSSES
from stages.priors.training import load_loss

SETTINGS = Modes(
    seeds=2,
    steps=24,
    discriminator_steps=3,
    generator_steps=5,
    batch_size=16,
    learning_rate=0.002,
    width=8,
    components=2,
    inner_minimum_steps=10,
)
RUNS = [Run(mixture_target(name), loss, seed) for name in ("ring", "grid") for loss in GAN_LOSSES for seed in range(2)]


def played(runs: list[Run], order: str, compute) -> Duels:
    duels = Duels(runs, SETTINGS, 0, compute)
    for _ in duels.play(order):
        pass
    return duels


def test_the_losses_are_those_of_the_priors():
    assert all(load_loss(name) is BY_NAME[name] for name in GAN_LOSSES)


def test_a_stack_gives_each_network_its_own_points_and_gradients():
    widths = (3, 7, 5, 2)
    stack = StackedMlp(widths, [torch_stream(0, "network", number) for number in range(4)])
    points = torch.randn(4, 6, 3, generator=torch_stream(0, "points"))
    together = stack(points)
    together.square().mean(dim=(1, 2)).sum().backward()
    for number in range(4):
        layers = []
        for weight, bias in zip(stack.weights, stack.biases, strict=True):
            layer = nn.Linear(weight.shape[1], weight.shape[2])
            layer.load_state_dict({"weight": weight[number].T, "bias": bias[number, 0]})
            layers += [layer, nn.LeakyReLU(SLOPE)]
        alone = nn.Sequential(*layers[:-1])
        assert_close(together[number], alone(points[number]))
        alone(points[number]).square().mean().backward()
        for place, weight in enumerate(stack.weights):
            assert_close(weight.grad[number].T, alone[2 * place].weight.grad)


@pytest.mark.parametrize("order", ORDERS)
def test_pairs_side_by_side_end_as_each_does_alone(exact, order):
    together = played(RUNS, order, exact).samples(50, "final")
    for number in (0, 3, 5, 10):  # of either target and every loss
        alone = played([RUNS[number]], order, exact).samples(50, "final")
        assert_close(together[number], alone[0], rtol=1e-3, atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=0.1)  # other seeds are other networks


def test_the_same_seed_gives_the_same_bytes(exact):
    first, second = (played(RUNS, "max_min", exact).samples(20, "final") for _ in range(2))
    assert torch.equal(first, second)


def test_all_losses_start_alike_and_see_the_same(exact):
    duels = Duels(RUNS, SETTINGS, 0, exact)
    drawn, points = duels.samples(20, "final"), duels.real_points(5)
    for number, run in enumerate(RUNS):
        like = next(place for place, other in enumerate(RUNS) if (other.target, other.seed) == (run.target, run.seed))
        assert torch.equal(drawn[number], drawn[like]) and torch.equal(points[number], points[like])
    assert (drawn.abs() <= duels.reach).all()


@pytest.mark.parametrize(("order", "expected"), [("min_max", (18, 6)), ("one_to_one", (12, 12)), ("max_min", (4, 20))])
def test_orders_take_the_same_steps_in_all_and_come_back_at_the_end(exact, monkeypatch, order, expected):
    steps = []
    monkeypatch.setattr(Duels, "discriminator_step", lambda duels: steps.append("D"))
    monkeypatch.setattr(Duels, "generator_step", lambda duels: steps.append("G"))
    duels, seen = Duels(RUNS[:1], SETTINGS, 0, exact), []
    for _ in duels.play(order):
        seen.append(len(steps))
    assert (steps.count("D"), steps.count("G")) == expected and seen[-1] == len(steps) == SETTINGS.steps
    assert min(seen) > SETTINGS.steps / 2 and {steps[number - 1] for number in seen} == {"G"}
    long = dataclasses.replace(duels.runs[0])  # enough rounds for every snapshot
    duels = Duels([long], SETTINGS.model_copy(update={"steps": 600}), 0, exact)
    assert sum(1 for _ in duels.play(order)) == SNAPSHOTS
    of_discriminator, of_generator = steps_of_a_round(order, SETTINGS)
    assert steps[: of_discriminator + 1] == ["D"] * of_discriminator + ["G"] and of_generator == steps[
        of_discriminator : of_discriminator + of_generator
    ].count("G")


def test_targets_of_other_dimensions_make_no_stack(exact):
    flat = dataclasses.replace(RUNS[0].target, dimension=3)
    with pytest.raises(ValueError):
        Duels([RUNS[0], Run(flat, "minimax", 0)], SETTINGS, 0, exact)
