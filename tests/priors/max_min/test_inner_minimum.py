"""The inner problem against discriminators whose highest point is known."""

import math

import numpy as np
import pytest
import torch

from stages.pipeline.params import Modes
from stages.priors.max_min.inner_minimum import solve_inner, surface
from stages.priors.max_min.orders import Duels, Run
from stages.priors.max_min.targets import mixture_target
from stages.priors.slopes import GAN_LOSSES

SETTINGS = Modes(
    seeds=1,
    steps=2,
    discriminator_steps=2,
    generator_steps=2,
    batch_size=32,
    learning_rate=0.02,
    width=16,
    components=2,
    inner_minimum_steps=150,
)
PEAK = torch.tensor([1.2, -0.6])
RUNS = [Run(mixture_target("ring"), loss, 0) for loss in GAN_LOSSES]


class Hill(torch.nn.Module):
    """Logits that fall with the distance from PEAK, where they are `height`; for a stack of pairs."""

    def __init__(self, height: float):
        super().__init__()
        self.height = height

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return self.height - (points - PEAK).norm(dim=2, keepdim=True)


def solved(height: float, exact) -> dict[str, dict]:
    duels = Duels(RUNS, SETTINGS, 0, exact)
    duels.discriminator = Hill(height)
    return dict(zip(GAN_LOSSES, solve_inner(duels, SETTINGS.inner_minimum_steps), strict=True))


def test_a_surface_has_its_rows_along_y(exact):
    duels = Duels(RUNS, SETTINGS, 0, exact)
    duels.discriminator = Hill(0.5)
    found = surface(duels, 61)[0].numpy()
    row, column = np.unravel_index(found.argmax(), found.shape)
    axis = np.linspace(-3, 3, 61)
    assert (axis[column], axis[row]) == (pytest.approx(1.2), pytest.approx(-0.6))


def test_all_mass_goes_to_the_highest_point_where_nothing_is_as_high_as_one(exact):
    for row in solved(0.5, exact).values():
        assert row["highest"] == row["best"] == pytest.approx(0.5, abs=0.05)
        assert row["at_highest"] > 0.95 and row["spread"] < 0.1 and 0 <= row["excess"] < 0.1


def test_least_squares_stops_where_the_logit_is_one(exact):
    rows = solved(2.0, exact)
    for loss in ("minimax", "non_saturating"):
        assert rows[loss]["best"] == rows[loss]["highest"] == pytest.approx(2, abs=0.05)
        assert rows[loss]["at_highest"] > 0.95
    own = rows["least_squares"]
    assert own["best"] == pytest.approx(1, abs=0.05) and own["reached"] == pytest.approx(1, abs=0.1)
    assert own["at_highest"] == 0 and own["highest"] == pytest.approx(2, abs=0.05)


def test_the_best_constant_is_even_odds(exact):
    rows = solved(0.5, exact)
    assert rows["minimax"]["constant"] == pytest.approx(math.log(4))
    assert rows["least_squares"]["constant"] == pytest.approx(0.25)
    for row in rows.values():  # a discriminator with a peak away from the modes does worse in the worst case
        assert row["d_loss"] > row["constant"]
