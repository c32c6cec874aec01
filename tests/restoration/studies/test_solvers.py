"""The comparison of solvers: Levenberg-Marquardt as the books have it, and what its rows say."""

import numpy as np
import pytest

from stages.judging.image_quality import mse
from stages.pipeline.params import Solvers
from stages.restoration.observation import Observation, clean, masked, noisy
from stages.restoration.studies.solvers import best_of_restarts, compare_solvers, levenberg_marquardt


@pytest.fixture
def newton(search, exact):
    """From the best of three prior samples, the same for every observation: codes (N, 4)."""

    def newton(observation: Observation, steps: int) -> np.ndarray:
        errors, found = [], []
        for start in search.draw_prior(3):
            starts = np.tile(start, (len(observation.y), 1))
            found.append(levenberg_marquardt(search.prior.generate, observation, starts, steps=steps, compute=exact))
            where = None if observation.mask.all() else observation.mask
            errors.append(mse(observation.y, search.prior.draw(found[-1], exact), where))
        return np.stack(found, axis=1)[np.arange(len(observation.y)), np.argmin(errors, axis=0)]

    return newton


def test_newton_recovers_generated_images_in_few_steps(search, images, half, newton, exact):
    for observation, bound in ((clean(images), 1e-6), (masked(images, half), 1e-6)):
        found = newton(observation, 5)
        assert found.shape == (6, 4) and found.dtype == np.float32
        assert (mse(images, search.prior.draw(found, exact)) < bound).all()


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_newton_never_ends_worse_than_its_start_or_after_more_steps(search, images, exact, steps):
    """Also on images that it cannot draw."""
    observation, starts = noisy(1 - images, 0.5, 0), search.draw_prior(6)
    begin, found, more = (
        mse(observation.y, search.prior.draw(codes, exact))
        for codes in (
            starts,
            levenberg_marquardt(search.prior.generate, observation, starts, steps=steps, compute=exact),
            levenberg_marquardt(search.prior.generate, observation, starts, steps=steps + 1, compute=exact),
        )
    )
    assert (found < begin).all() and (more <= found * 1.00001).all()


def test_every_solver_has_its_rows_and_gets_better_with_steps(search, images):
    lengths = Solvers(images=6, adam_steps=[5, 50], newton_steps=[1, 5], restarts=[1, 2, 3])
    rows = compare_solvers(search, images, walks=[5, 20], lengths=lengths)
    assert [(row["solver"], row["steps"]) for row in rows] == [
        *(("plain", steps) for steps in (5, 50)),
        *(("adam", steps) for steps in (5, 50)),
        *(("newton", steps) for steps in (1, 5)),
        *(("whitened", steps) for steps in (5, 25)),
    ]
    assert all(row["seconds"] > 0 for row in rows)
    for short, long in zip(rows[::2], rows[1::2], strict=True):
        assert long["squared_error"] < short["squared_error"] and long["psnr"] > short["psnr"]


def test_more_restarts_are_never_worse(search, images):
    rows = best_of_restarts(search, images, walks=[2], restarts=[1, 2, 5])
    assert [row["restarts"] for row in rows] == [1, 2, 5]
    scores = [row["psnr"] for row in rows]
    assert scores == sorted(scores) and scores[0] < scores[-1]
