"""Spectra where a formula gives the answer: cosines, white noise, a filter."""

import numpy as np
import pytest

from stages.judging.spectra import radial_mean, spectra_rows, spectrum
from stages.restoration.restored import Restored
from tests.observations import observe
from tests.strokes import SIDE, low_pass


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).random((24, 1, SIDE, SIDE), dtype=np.float32)


def test_spectrum_has_the_energy_of_the_image(images):
    power = np.abs(spectrum(images)) ** 2
    np.testing.assert_allclose(power.sum(axis=(1, 2, 3)), np.square(images.astype(float)).mean(axis=(1, 2, 3)))


def test_white_noise_has_the_same_power_in_every_ring():
    noise = np.random.default_rng(0).normal(0, 0.5, size=(400, 1, SIDE, SIDE))
    power = radial_mean(np.abs(spectrum(noise)) ** 2)
    np.testing.assert_allclose(power * SIDE**2, 0.25, rtol=0.15)


@pytest.mark.parametrize(("cycles", "ring_number"), [((0, 5), 5), ((3, 4), 5), ((14, 0), 14), ((0, 0), 0), ((1, 1), 1)])
def test_a_cosine_lies_in_its_ring(cycles, ring_number):
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    wave = np.cos(2 * np.pi * (cycles[0] * y + cycles[1] * x))[None, None]
    power = radial_mean(np.abs(spectrum(wave)) ** 2)
    assert len(power) == 15
    assert np.flatnonzero(power > 1e-12).tolist() == [ring_number]


def test_diagonal_waves_beyond_nyquist_are_in_no_ring():
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    wave = np.cos(2 * np.pi * (12 * y + 12 * x))[None, None]
    assert radial_mean(np.abs(spectrum(wave)) ** 2).max() < 1e-20


def test_spectra_rows_show_what_a_filter_takes(images):
    observed = observe(images, np.repeat(["generated", "train", "test"], 8))
    rows = spectra_rows("minimax", observed, Restored({"map": low_pass(images)}))
    assert [(row["source"], row["frequency"]) for row in rows] == [
        (source, frequency) for source in ("generated", "train", "test") for frequency in range(15)
    ]
    assert {(row["prior"], row["method"]) for row in rows} == {("minimax", "map")}
    lost = np.array([row["residual_share"] for row in rows]).reshape(3, 15)
    np.testing.assert_allclose(lost[:, :8], 0, atol=1e-9)
    np.testing.assert_allclose(lost[:, 8:], 0.25)
    for row in rows[8:15]:
        assert row["restored_power"] == pytest.approx(0.25 * row["image_power"])
        assert row["residual_power"] == pytest.approx(0.25 * row["image_power"])


def test_a_black_image_loses_no_share_that_is_a_number():
    black = np.zeros((2, 1, SIDE, SIDE), dtype=np.float32)
    rows = spectra_rows("minimax", observe(black, "test"), Restored({"map": black}))
    assert np.isnan([row["residual_share"] for row in rows]).all()
