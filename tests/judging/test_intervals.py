"""Bootstrap intervals of a mean, where their width is known."""

import math

import numpy as np
import pytest

from stages.judging.intervals import Bootstrap, tail_share

BOOTSTRAP = Bootstrap(resamples=500, seed=0)


def test_interval_holds_the_mean_and_shrinks_with_the_count():
    values = np.random.default_rng(0).normal(5, 2, size=400)
    low, high = BOOTSTRAP.interval(values)
    assert low < values.mean() < high
    # The width of a 95 % interval of a mean is 3.92 standard errors.
    assert (high - low) / (3.92 * values.std() / 20) == pytest.approx(1, abs=0.15)
    assert BOOTSTRAP.interval(values) == (low, high)
    few_low, few_high = BOOTSTRAP.interval(values[:25])
    assert (few_high - few_low) / (high - low) == pytest.approx(4, abs=1.5)


def test_intervals_of_few_values_hold_the_mean_as_often_as_they_say():
    stream = np.random.default_rng(0)
    held = [low < 0 < high for low, high in (BOOTSTRAP.interval(stream.normal(size=8)) for _ in range(2000))]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)  # plain percentiles hold it in 0.89 of them


def test_the_share_outside_is_that_of_students_t():
    # Of 8 values: t = 2.3646 with 7 degrees of freedom (any table), Phi(-sqrt(8 / 7) 2.3646) = Phi(-2.5279).
    assert tail_share(8) == pytest.approx(0.005737, abs=1e-5)
    assert tail_share(100_000) == pytest.approx(0.025, abs=1e-5)
    assert BOOTSTRAP.interval(np.array([3.0])) == (3, 3)


def test_the_interval_of_what_is_not_finite_is_not_a_number():
    for values in ([1.0, math.inf], [math.inf, math.inf], [math.nan, 1.0]):
        assert all(math.isnan(bound) for bound in BOOTSTRAP.interval(np.array(values)))


def test_the_seed_and_nothing_else_draws_the_resamples():
    values = np.random.default_rng(0).normal(size=30)
    assert BOOTSTRAP.interval(values) != Bootstrap(resamples=500, seed=1).interval(values)
    # The same resamples for every cell of the same size: a shifted cell has the shifted interval.
    assert BOOTSTRAP.interval(values + 1) == pytest.approx(np.add(BOOTSTRAP.interval(values), 1))


def test_cells_are_the_mean_and_the_ends_of_its_interval():
    values = np.array([1.0, 2.0, 6.0])
    low, high = BOOTSTRAP.interval(values)
    assert BOOTSTRAP.cells("psnr", values) == {"psnr": 3.0, "psnr_low": low, "psnr_high": high}
    infinite = BOOTSTRAP.cells("psnr", np.array([1.0, math.inf]))
    assert infinite["psnr"] == math.inf and math.isnan(infinite["psnr_low"]) and math.isnan(infinite["psnr_high"])
