"""What passes of signal and noise, where a formula gives the answer: filters, projections, averages."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from stages.judging.noise_gain import noise_rows, transfer_rows
from stages.restoration.observed import Observed
from stages.restoration.restored import Restored
from tests.observations import observe
from tests.strokes import SIDE, low_pass

SIGMAS = (0.0, 0.1, 0.5)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).random((24, 1, SIDE, SIDE), dtype=np.float32)


def denoised(
    images: np.ndarray,
    restore: Callable[[np.ndarray], np.ndarray],
    sigmas: Sequence[float] = SIGMAS,
    latent_dim: int = 10,
) -> tuple[Observed, Restored]:
    """What denoising leaves, with `restore` in place of a generator's search."""
    noise = np.random.default_rng(1).standard_normal(images.shape, dtype=np.float32)
    y = np.concatenate([images + np.float32(sigma) * noise for sigma in sigmas])
    truth = np.tile(images, (len(sigmas), 1, 1, 1))
    observed = observe(truth, np.repeat(sigmas, len(images)), "sigma", y=y)
    return observed, Restored({"map": restore(y)}, {"map": np.zeros((len(y), latent_dim), dtype=np.float32)})


def test_untouched_observations_pass_signal_and_noise_alike(images):
    for row in transfer_rows("minimax", *denoised(images, lambda y: y)):
        assert row["noise_gain"] == pytest.approx(1)
        assert row["signal_gain"] == pytest.approx(1, abs=0.5)  # the regression sees the noise, at one coefficient most
    weak, strong = noise_rows("minimax", *denoised(images, lambda y: y))
    assert (weak["sigma"], strong["sigma"], weak["n"]) == (0.1, 0.5, 24)
    for row in (weak, strong):
        assert row["noise_gain"] == row["energy_share"] == pytest.approx(1)
        assert row["signal_gain"] == pytest.approx(1, abs=0.05)
        assert row["degrees_of_freedom"] == pytest.approx(SIDE**2)
        assert row["linear_gain"] == pytest.approx(10 / SIDE**2)


def test_a_filter_passes_both_by_its_gain(images):
    rows = transfer_rows("minimax", *denoised(images, low_pass, sigmas=(0.0, 0.01)))
    assert [row["frequency"] for row in rows] == list(range(15))
    expected = [1] * 8 + [0.5] * 7
    assert [row["noise_gain"] for row in rows] == pytest.approx(expected, rel=1e-4)
    assert [row["signal_gain"] for row in rows] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("dimensions", [10, 100])
def test_a_projection_passes_its_share_of_the_noise(dimensions):
    images = np.random.default_rng(0).random((800, 1, SIDE, SIDE), dtype=np.float32)
    basis, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((SIDE**2, dimensions)))

    def project(y: np.ndarray) -> np.ndarray:
        return (y.reshape(len(y), -1) @ basis @ basis.T).reshape(y.shape)

    rows = noise_rows("minimax", *denoised(images, project, latent_dim=dimensions))
    assert len(rows) == 2
    for row in rows:
        assert row["degrees_of_freedom"] == pytest.approx(dimensions, rel=0.05)
        assert row["noise_gain"] == pytest.approx(row["linear_gain"], rel=0.05)
        assert row["energy_share"] == pytest.approx(row["noise_gain"], rel=1e-4)


def test_an_average_passes_nothing(images):
    mean = images.mean(axis=0)
    rows = noise_rows("minimax", *denoised(images, lambda y: np.broadcast_to(mean, y.shape)))
    assert len(rows) == 2
    for row in rows:
        assert row["signal_gain"] == row["noise_gain"] == row["energy_share"] == 0


def test_without_sigma_0_the_image_stands_for_its_restoration(images):
    with_clean = noise_rows("minimax", *denoised(images, lambda y: y))
    without = noise_rows("minimax", *denoised(images, lambda y: y, sigmas=SIGMAS[1:]))
    assert with_clean == without


def test_methods_that_end_in_no_code_have_no_rows(images):
    observed, restored = denoised(images, lambda y: y)
    both = Restored({"posterior_mean": restored.images["map"], **restored.images}, restored.codes)
    for rows in (noise_rows("minimax", observed, both), transfer_rows("minimax", observed, both)):
        assert {(row["prior"], row["method"]) for row in rows} == {("minimax", "map")}
