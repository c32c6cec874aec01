"""The comparison of solvers: Levenberg-Marquardt as the books have it, and what its rows say."""

import numpy as np
import pytest

from stages.pipeline.params import Solvers
from stages.restoration.methods import draw
from stages.restoration.objective import Misfit
from stages.restoration.observation import Observation, clean, masked, noisy
from stages.restoration.quality import mse
from stages.restoration.search import draw_prior
from stages.restoration.solvers import best_of_restarts, compare_solvers, levenberg_marquardt


@pytest.fixture
def newton(tiny_generator, exact):
    """From the best of three prior samples, the same for every observation: codes (N, 4)."""

    def newton(observation: Observation, steps: int) -> np.ndarray:
        errors, found = [], []
        for start in draw_prior(3, 4, seed=0):
            starts = np.tile(start, (len(observation.y), 1))
            found.append(levenberg_marquardt(tiny_generator, observation, starts, steps=steps, compute=exact))
            where = None if observation.mask.all() else observation.mask
            errors.append(mse(observation.y, draw(tiny_generator, found[-1], exact), where))
        return np.stack(found, axis=1)[np.arange(len(observation.y)), np.argmin(errors, axis=0)]

    return newton


def test_newton_recovers_generated_images_in_few_steps(tiny_generator, images, half, newton, exact):
    for observation, bound in ((clean(images), 1e-6), (masked(images, half), 1e-6)):
        found = newton(observation, 5)
        assert found.shape == (6, 4) and found.dtype == np.float32
        assert (mse(images, draw(tiny_generator, found, exact)) < bound).all()


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_newton_never_ends_worse_than_its_start_or_after_more_steps(tiny_generator, images, exact, steps):
    """Also on images that it cannot draw."""
    observation, starts = noisy(1 - images, 0.5, 0), draw_prior(6, 4, seed=0)
    begin, found, more = (
        mse(observation.y, draw(tiny_generator, codes, exact))
        for codes in (
            starts,
            levenberg_marquardt(tiny_generator, observation, starts, steps=steps, compute=exact),
            levenberg_marquardt(tiny_generator, observation, starts, steps=steps + 1, compute=exact),
        )
    )
    assert (found < begin).all() and (more <= found * 1.00001).all()


def test_every_solver_has_its_rows_and_gets_better_with_steps(tiny_generator, images, search_settings, exact):
    lengths = Solvers(images=6, adam_steps=[5, 50], newton_steps=[1, 5], restarts=[1, 2, 3])
    common = {"latent_dim": 4, "settings": search_settings.map, "walks": [5, 20], "seed": 0, "compute": exact}
    rows = compare_solvers(tiny_generator, images, misfit=Misfit(0.002), lengths=lengths, **common)
    assert [(row["solver"], row["steps"]) for row in rows] == [
        *(("plain", steps) for steps in (5, 50)),
        *(("adam", steps) for steps in (5, 50)),
        *(("newton", steps) for steps in (1, 5)),
        *(("whitened", steps) for steps in (5, 25)),
    ]
    assert all(row["seconds"] > 0 for row in rows)
    for short, long in zip(rows[::2], rows[1::2], strict=True):
        assert long["squared_error"] < short["squared_error"] and long["psnr"] > short["psnr"]


def test_more_restarts_are_never_worse(tiny_generator, images, search_settings, exact):
    common = {"latent_dim": 4, "settings": search_settings.map, "walks": [2], "seed": 0, "compute": exact}
    rows = best_of_restarts(tiny_generator, images, restarts=[1, 2, 5], **common)
    assert [row["restarts"] for row in rows] == [1, 2, 5]
    scores = [row["psnr"] for row in rows]
    assert scores == sorted(scores) and scores[0] < scores[-1]
