"""Modes of samples whose answer is known: what is covered, what is good, how uneven it is."""

import math

import numpy as np
import pytest

from stages.judging.modes import covered, even_share, kl_to_uniform, mode_rows, mode_statistics, nearest_modes
from stages.priors.max_min.mixtures import MIXTURES
from stages.priors.max_min.played import FINAL, FRAMES, ORDERS, name_of
from stages.priors.slopes import GAN_LOSSES

RING = MIXTURES["ring"]


def at(*modes: int) -> np.ndarray:
    """Samples exactly at these centres of the ring."""
    return RING.centres[list(modes)]


def judged(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return nearest_modes(points, RING.centres, RING.std)


def test_the_mixtures_have_the_modes_that_are_asked_for():
    ring, grid = (MIXTURES[name] for name in ("ring", "grid"))
    assert len(ring.centres) == 8 and len(grid.centres) == 25
    assert np.allclose(np.linalg.norm(ring.centres, axis=1), 2)
    for mixture in (ring, grid):
        gaps = np.linalg.norm(mixture.centres[:, None] - mixture.centres, axis=2)[
            ~np.eye(len(mixture.centres), dtype=bool)
        ]
        assert gaps.min() > 2 * 3 * mixture.std  # no sample is good for two
        assert np.abs(mixture.centres).max() + 3 * mixture.std < mixture.reach


def test_a_sample_belongs_to_the_nearest_centre_and_is_good_within_three_deviations():
    inside, outside = 2.99 * RING.std, 3.01 * RING.std
    points = np.concatenate([at(0), at(3) + np.array([0, inside]), at(3) + np.array([outside, 0]), [[0.0, -0.5]]])
    modes, good = judged(points)
    assert modes[:3].tolist() == [0, 3, 3] and good.tolist() == [True, True, False, False]


def test_samples_of_the_mixture_itself_cover_all_modes():
    rng = np.random.default_rng(0)
    for mixture in MIXTURES.values():
        picked = rng.integers(len(mixture.centres), size=4000)
        points = mixture.centres[picked] + mixture.std * rng.standard_normal((4000, 2))
        row = mode_statistics(*nearest_modes(points, mixture.centres, mixture.std), len(mixture.centres))
        assert row["modes"] == len(mixture.centres)
        assert row["good_share"] == pytest.approx(1 - math.exp(-4.5), abs=0.01)  # Rayleigh within 3
        assert row["kl_uniform"] < 0.01


def test_even_samples_are_good_by_the_share_that_is_said():
    for mixture in MIXTURES.values():
        points = np.random.default_rng(0).uniform(-mixture.reach, mixture.reach, (20_000, 2))
        _, good = nearest_modes(points, mixture.centres, mixture.std)
        assert good.mean() == pytest.approx(even_share(mixture), abs=0.01)


def test_a_collapsed_generator_covers_one_mode_and_none_if_it_sits_between_them():
    assert mode_statistics(*judged(at(*[5] * 50)), 8) == {
        "modes": 1,
        "good_share": 1.0,
        "kl_uniform": pytest.approx(math.log(8)),
    }
    assert mode_statistics(*judged(np.full((50, 2), 0.3)), 8)["modes"] == 0


def test_a_mode_is_covered_from_a_tenth_of_its_due():
    modes = np.repeat([0, 1, 2], [780, 10, 9])  # of 799 samples 99.9 are due to each of 8 modes
    assert covered(modes, np.ones(799, dtype=bool), 8).tolist() == [True, True, False] + [False] * 5
    assert covered(np.array([4]), np.array([True]), 8).sum() == 1  # of few samples one is enough
    assert covered(np.array([4]), np.array([False]), 8).sum() == 0


def test_kl_by_hand():
    # Shares 1/2, 1/4, 1/4, 0 of four modes: 1/2 log 2 + 2 (1/4) log 1 = (log 2) / 2.
    assert kl_to_uniform(np.array([0, 0, 1, 2]), 4) == pytest.approx(math.log(2) / 2, rel=1e-12)
    assert kl_to_uniform(np.arange(7), 7) == 0
    assert kl_to_uniform(np.array([3, 3, 3]), 5) == pytest.approx(math.log(5), rel=1e-12)


def test_the_table_has_a_row_a_pair_and_counts_what_was_visited_on_the_way():
    hopping = np.stack([np.stack([at(*[mode] * 20) for mode in (1, 4, 4, 6)])] * 2)  # two seeds, four frames
    played = {}
    for loss in GAN_LOSSES:
        for order in ORDERS:
            played[name_of("ring", order, loss, FINAL)] = np.stack([at(*[6] * 40), at(*[*range(8)] * 5)])
            played[name_of("ring", order, loss, FRAMES)] = hopping
    rows = mode_rows(played, None, 0)
    assert [(row["loss"], row["order"], row["seed"]) for row in rows] == [
        (loss, order, seed) for loss in GAN_LOSSES for order in ORDERS for seed in (0, 1)
    ]
    assert [row["modes"] for row in rows[:2]] == [1, 8]
    assert {row["visited"] for row in rows} == {3}
