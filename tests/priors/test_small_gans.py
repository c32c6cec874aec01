"""Small GANs: what is varied and nothing else, and several at once as one at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from stages.pipeline.params import load_params
from stages.pipeline.threads import map_in_threads
from stages.priors.small_gans import Cell, Run, cells, small_players, train_small
from tests.project import ROOT

PARAMS = load_params(ROOT / "params.yaml")
SETTINGS = PARAMS.saturate_grid.model_copy(
    update={
        "discriminator_steps": [1, 3, 5],
        "generator_steps": 3,
        "batch_size": 4,
        "width": 2,
        "samples": 16,
        "optimisers": ["adam", "sgd"],
    }
)
IMAGES = np.random.default_rng(0).integers(0, 256, (32, 1, 28, 28), dtype=np.uint8)
MINIMAX = Cell("minimax", 2, "adam", True)


def run(cell: Cell, number: int = 0) -> Run:
    return Run(cell, number, IMAGES, SETTINGS, PARAMS.train.model_copy(update={"latent_dim": 4}), seed=0)


def test_the_full_grid_is_that_of_the_exercise():
    assert len(cells(SETTINGS)) == len(set(cells(SETTINGS))) == 3 * 3 * 2 * 2


def test_many_at_once_are_what_one_at_a_time_gives():
    runs = [run(cell, number) for cell in (MINIMAX, Cell("least_squares", 1, "sgd", False)) for number in range(2)]
    for together, alone in zip(map_in_threads(train_small, runs), map(train_small, runs), strict=True):
        for one, other in zip(together.history, alone.history, strict=True):
            assert one == pytest.approx(other, rel=1e-5)
        assert np.abs(together.samples.astype(int) - alone.samples).max() <= 1


def test_a_set_smaller_than_the_batches_of_a_generator_step_will_do():
    few = replace(run(MINIMAX), images=IMAGES[:5])  # two batches of four: images are drawn with replacement
    assert len(train_small(few).history) == SETTINGS.generator_steps


def test_the_same_run_gives_the_same_bytes():
    first, second = train_small(run(MINIMAX)), train_small(run(MINIMAX))
    assert first.history == second.history
    np.testing.assert_array_equal(first.samples, second.samples)
    assert first.samples.shape == (16, 1, 28, 28)
    other = train_small(run(MINIMAX, 1))
    assert other.history[0]["g_grad_norm"] != first.history[0]["g_grad_norm"]


def test_cells_differ_in_what_they_name_alone(exact):
    """All runs of a number begin with the same weights; without BatchNorm a bias takes its place."""
    first = small_players(run(MINIMAX), exact)
    for cell in cells(SETTINGS):
        players = small_players(run(cell), exact)
        for one, other in zip(first.generator.parameters(), players.generator.parameters(), strict=True):
            assert_close(one, other, rtol=0, atol=0)
        norms = [layer for layer in players.discriminator.modules() if isinstance(layer, nn.BatchNorm2d)]
        assert bool(norms) == cell.batch_norm
        assert players.setting.params.discriminator_steps == cell.discriminator_steps
        for network, optimiser in (
            (players.generator, players.generator_adam),
            (players.discriminator, players.discriminator_adam),
        ):
            assert isinstance(optimiser, torch.optim.SGD if cell.optimiser == "sgd" else torch.optim.Adam)
            moved = {id(weight) for group in optimiser.param_groups for weight in group["params"]}
            assert moved == {id(weight) for weight in network.parameters()}
    bare = small_players(run(replace(MINIMAX, batch_norm=False)), exact)
    biases = [layer.bias for layer in bare.discriminator.layers if isinstance(layer, nn.Conv2d)]
    assert all(bias is not None and not bias.any() for bias in biases)


def test_an_update_is_what_the_optimiser_did():
    """Without momentum a step of SGD is the rate times the gradient."""
    settings = SETTINGS.model_copy(update={"sgd_momentum": 0.0, "sgd_learning_rate": 0.25})
    outcome = train_small(replace(run(Cell("non_saturating", 1, "sgd", True)), settings=settings))
    for row in outcome.history:
        assert row["update_norm"] == pytest.approx(0.25 * row["g_grad_norm"], rel=1e-3)
