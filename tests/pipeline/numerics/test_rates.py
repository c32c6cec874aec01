"""Learning rates."""

import pytest
import torch

from stages.pipeline.numerics.rates import cosine, set_rate


def test_half_a_cosine():
    assert [cosine(share) for share in (0, 1 / 3, 0.5, 1)] == pytest.approx([1, 0.75, 0.5, 0])


def test_the_rate_of_all_parameters():
    groups = [{"params": [torch.zeros(1)], "lr": 0.1}, {"params": [torch.zeros(1)]}]
    adam = torch.optim.Adam(groups, lr=0.2)

    set_rate(adam, 0.05)

    assert [group["lr"] for group in adam.param_groups] == [0.05, 0.05]
