"""What survives, where a formula gives the answer: cosines, filters, projections, bars of known width."""

import math

import numpy as np
import pytest

from stages.restoration.quality import Interval
from stages.restoration.reconstruction import (
    feature_rows,
    noise_rows,
    places,
    radial_mean,
    spectra_rows,
    spectrum,
    stroke_thickness,
    trait_rows,
    traits,
    transfer_rows,
)

SIDE, SIGMAS = 28, (0.0, 0.1, 0.5)
INTERVAL = Interval(resamples=200, seed=0)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).random((24, 1, SIDE, SIDE), dtype=np.float32)


def bars(width: float, angle: float = 0.0) -> np.ndarray:
    """One image (1, 1, 28, 28) of an anti-aliased bar, 20 pixels long and `width` wide, turned by `angle` degrees."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    along = x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle))
    across = y * math.cos(math.radians(angle)) - x * math.sin(math.radians(angle))
    outside = np.maximum(np.abs(along) - 10, np.abs(across) - width / 2)
    return np.clip(0.5 - outside, 0, 1).astype(np.float32)[None, None]


def ring(width: float = 3, lean: float = 0) -> np.ndarray:
    """One image of a circle, 7 pixels in radius, sheared by `lean` columns a row."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    return np.clip(0.5 + width / 2 - np.abs(np.hypot(x - lean * y, y) - 7), 0, 1).astype(np.float32)[None, None]


def denoised(images: np.ndarray, restore, sigmas=SIGMAS, latent_dim: int = 10) -> dict[str, np.ndarray]:
    """What stages.denoise saves, with `restore` in place of a generator's search."""
    noise = np.random.default_rng(1).standard_normal(images.shape, dtype=np.float32)
    observed = np.concatenate([images + np.float32(sigma) * noise for sigma in sigmas])
    return {
        "sigma": np.repeat(sigmas, len(images)),
        "images": np.tile(images, (len(sigmas), 1, 1, 1)),
        "observed": observed,
        "map": restore(observed),
        "map_codes": np.zeros((len(observed), latent_dim), dtype=np.float32),
    }


def low_pass(images: np.ndarray, cut: float = 7.5) -> np.ndarray:
    """Frequencies below `cut` cycles per side unchanged, the others halved."""
    along = np.fft.fftfreq(SIDE, 1 / SIDE)
    gain = np.where(np.hypot(along[:, None], along) < cut, 1, 0.5)
    return np.fft.ifft2(np.fft.fft2(images) * gain).real


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
    arrays = {"source": np.repeat(["generated", "train", "test"], 8), "images": images, "map": low_pass(images)}
    rows = spectra_rows("minimax", ("map",), arrays)
    assert [(row["source"], row["frequency"]) for row in rows] == [
        (source, frequency) for source in ("generated", "train", "test") for frequency in range(15)
    ]
    lost = np.array([row["residual_share"] for row in rows]).reshape(3, 15)
    np.testing.assert_allclose(lost[:, :8], 0, atol=1e-9)
    np.testing.assert_allclose(lost[:, 8:], 0.25)
    for row in rows[8:15]:
        assert row["restored_power"] == pytest.approx(0.25 * row["image_power"])
        assert row["residual_power"] == pytest.approx(0.25 * row["image_power"])


def test_untouched_observations_pass_signal_and_noise_alike(images):
    for row in transfer_rows("minimax", ("map",), denoised(images, lambda y: y)):
        assert row["noise_gain"] == pytest.approx(1)
        assert row["signal_gain"] == pytest.approx(1, abs=0.5)  # the regression sees the noise, at one coefficient most
    weak, strong = noise_rows("minimax", ("map",), denoised(images, lambda y: y))
    assert (weak["sigma"], strong["sigma"], weak["n"]) == (0.1, 0.5, 24)
    for row in (weak, strong):
        assert row["noise_gain"] == row["energy_share"] == pytest.approx(1)
        assert row["signal_gain"] == pytest.approx(1, abs=0.05)
        assert row["degrees_of_freedom"] == pytest.approx(SIDE**2)
        assert row["linear_gain"] == pytest.approx(10 / SIDE**2)


def test_a_filter_passes_both_by_its_gain(images):
    rows = transfer_rows("minimax", ("map",), denoised(images, low_pass, sigmas=(0.0, 0.01)))
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

    for row in noise_rows("minimax", ("map",), denoised(images, project, latent_dim=dimensions)):
        assert row["degrees_of_freedom"] == pytest.approx(dimensions, rel=0.05)
        assert row["noise_gain"] == pytest.approx(row["linear_gain"], rel=0.05)
        assert row["energy_share"] == pytest.approx(row["noise_gain"], rel=1e-4)


def test_an_average_passes_nothing(images):
    mean = images.mean(axis=0)
    for row in noise_rows("minimax", ("map",), denoised(images, lambda y: np.broadcast_to(mean, y.shape))):
        assert row["signal_gain"] == row["noise_gain"] == row["energy_share"] == 0


def test_without_sigma_0_the_image_stands_for_its_restoration(images):
    with_clean = noise_rows("minimax", ("map",), denoised(images, lambda y: y))
    without = noise_rows("minimax", ("map",), denoised(images, lambda y: y, sigmas=SIGMAS[1:]))
    assert with_clean == without


@pytest.mark.parametrize("width", [2, 2.5, 3, 4, 5.5])
@pytest.mark.parametrize("angle", [0, 30, 45, 90])
def test_thickness_of_bars(width, angle):
    assert stroke_thickness(bars(width, angle)) == pytest.approx([width], abs=0.3)


def test_thickness_grows_with_the_width_and_needs_ink():
    widths = np.arange(1.5, 6, 0.5)
    measured = stroke_thickness(np.concatenate([bars(width, 20) for width in widths]))
    assert (np.diff(measured) > 0).all()
    assert stroke_thickness(np.full((1, 1, SIDE, SIDE), 0.4, dtype=np.float32)) == [0]
    colour = np.repeat(bars(3), 3, axis=1)
    assert stroke_thickness(colour) == stroke_thickness(bars(3))


def test_traits_of_bars_and_rings():
    two_bars = np.maximum(np.roll(bars(3), -6, axis=2), np.roll(bars(3), 6, axis=2))
    found = traits(np.concatenate([bars(3, 90), two_bars, ring(), np.zeros_like(ring())]))
    assert found["parts"].tolist() == [1, 2, 1, 0]
    assert found["holes"].tolist() == [0, 0, 1, 0]
    assert found["ink"][0] == pytest.approx(3 * 20 / SIDE**2, rel=0.02)
    assert all(values[3] == 0 for values in found.values())
    assert found["slant"][0] == pytest.approx(0, abs=1e-6)
    # A bar at 60 degrees from the rows leans by 1 / tan 60 columns a row, but for its thickness.
    assert traits(bars(1.5, 60))["slant"] == pytest.approx([1 / math.tan(math.radians(60))], rel=0.03)


def test_trait_rows_tell_what_is_kept():
    images = np.concatenate(
        [bars(width, 10 * width) for width in (2, 3, 4, 5)] + [ring(width, width / 10) for width in (2, 3, 4, 5)]
    )
    filled = images.copy()
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    filled[4, 0][np.hypot(x - 0.2 * y, y) < 7] = 1  # one of four holes
    arrays = {
        "source": np.array(["train"] * 2 + ["test"] * 2 + ["generated"] * 4),
        "images": images,
        "plain": images,
        "map": filled,
    }
    rows = trait_rows("minimax", ("plain", "map"), arrays)
    kept = {(row["method"], row["source"], row["trait"]): row["kept"] for row in rows}
    assert len(kept) == 2 * 2 * 5 and {row["n"] for row in rows} == {4}
    assert all(value == 1 for (method, _, _), value in kept.items() if method == "plain")
    assert kept["map", "real", "holes"] == 1 and kept["map", "generated", "holes"] == 0.75
    assert kept["map", "generated", "parts"] == 1 and kept["map", "generated", "ink"] < 1


def test_every_pixel_is_in_one_place():
    found = places(np.concatenate([bars(6), np.zeros((1, 1, SIDE, SIDE), dtype=np.float32)]))
    assert np.all(sum(where.astype(int) for where in found.values()) == 1)
    # A bar of 20 by 6 pixels: its outermost pixels, and those that share a side with them.
    assert [int(where[0].sum()) for where in found.values()] == [48 + 52, 18 * 4, SIDE**2 - 120 - 52]
    assert [int(where[1].sum()) for where in found.values()] == [0, 0, SIDE**2]


def test_feature_rows_put_errors_where_they_are():
    images = np.concatenate([bars(width) for width in (2, 2.5, 3, 4, 5, 6, 7, 8)])
    wrong = places(images)["edge"]
    arrays = {
        "source": np.array(["generated"] * 2 + ["train"] * 3 + ["test"] * 3),
        "labels": np.array([0, 1, 0, 1, 0, 0, 1, 0], dtype=np.uint8),
        "images": images,
        "map": np.where(wrong, images - np.float32(0.1), images),
    }
    rows = feature_rows("minimax", ("map",), arrays, INTERVAL)
    names = ["loss", "method", "source", "feature", "value", "n", "psnr", "psnr_low", "psnr_high", "mse"]
    assert list(rows[0]) == [*names, "residual_share", "share_of_error", "share_of_pixels"]
    cells = {(row["source"], row["feature"], row["value"]): row for row in rows}
    for source in ("real", "generated"):
        assert cells[source, "place", "edge"]["psnr"] == pytest.approx(20, abs=1e-3)
        assert cells[source, "place", "edge"]["share_of_error"] == pytest.approx(1)
        assert cells[source, "place", "background"]["mse"] == 0
        for feature in ("class", "thickness", "place"):
            shares = [row for row in rows if (row["source"], row["feature"]) == (source, feature)]
            assert sum(row["share_of_error"] for row in shares) == pytest.approx(1)
            assert sum(row["share_of_pixels"] for row in shares) == pytest.approx(1)
    # Terciles are those of the real images; the generated ones are thinner and fall into the first.
    thick = {key[:2]: [row["n"] for row in rows if (row["source"], row["feature"]) == key[:2]] for key in cells}
    assert thick["real", "thickness"] == [2, 2, 2] and thick["generated", "thickness"] == [2]
    real = cells["real", "class", 1]
    error, energy = 0.01 * wrong[[3, 6]].sum(), np.square(images[[3, 6]].astype(float)).sum()
    assert real["n"] == 2 and real["residual_share"] == pytest.approx(error / energy, rel=1e-4)
    assert real["psnr_low"] <= real["psnr"] <= real["psnr_high"]
