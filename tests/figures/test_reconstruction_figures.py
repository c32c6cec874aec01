"""Figures of what survives: a panel for each source or loss, whatever losses and noise levels there are."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stages.figures.reconstruction import features_figure, spectra_figure, transfer_figure
from stages.figures.style import COLOURS, save_figure


@pytest.fixture(params=[["least_squares"], ["minimax", "non_saturating", "least_squares"]], ids=["one", "three"])
def losses(request) -> list[str]:
    yield request.param
    plt.close("all")


def spectra(losses: list[str]) -> pd.DataFrame:
    rows = [
        {"loss": loss, "method": method, "source": source, "frequency": frequency}
        | {"image_power": 10.0**-frequency, "residual_power": 1e-4, "residual_share": 0.5}
        for loss in losses
        for method in ("plain", "whitened")
        for source in ("generated", "train", "test")
        for frequency in range(4)
    ]
    return pd.DataFrame(rows)


def transfer(losses: list[str], sigmas: list[float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    cells = [
        {"loss": loss, "method": method, "sigma": sigma}
        for loss in losses
        for method in ("plain", "map")
        for sigma in sigmas
    ]
    gains = [
        cell | {"frequency": frequency, "signal_gain": 1 - cell["sigma"] / 2, "noise_gain": 0.05}
        for cell in cells
        for frequency in range(4)
    ]
    return pd.DataFrame(gains), pd.DataFrame([cell | {"linear_gain": 0.125} for cell in cells])


def features(losses: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As read from CSV: the values of features are text."""
    values = [("class", "1"), ("class", "7"), ("thickness", "2.1"), ("thickness", "3"), ("place", "edge")]
    values.append(("place", "interior"))
    cells = [
        {"loss": loss, "method": method, "source": source}
        for loss in losses
        for method in ("plain", "whitened")
        for source in ("generated", "real")
    ]
    scores = {"psnr": 30.0, "psnr_low": 29.0, "psnr_high": 31.5, "share_of_error": 0.8, "share_of_pixels": 0.2}
    return (
        pd.DataFrame([cell | {"feature": name, "value": value} | scores for cell in cells for name, value in values]),
        pd.DataFrame([cell | {"trait": trait, "kept": 0.9} for cell in cells for trait in ("ink", "holes")]),
    )


def test_spectra_have_a_column_for_each_source(losses):
    figure = spectra_figure(spectra(losses))
    powers, shares = figure.axes[:3], figure.axes[3:]
    assert [axes.get_title() for axes in powers] == ["generated images", "train images", "test images"]
    # Generated images are each loss's own; the others are the same for all and are drawn once.
    assert [len(axes.lines) for axes in powers] == [2 * len(losses), 1 + len(losses), 1 + len(losses)]
    assert all(axes.get_yscale() == "log" for axes in figure.axes)
    assert all(len(axes.lines) == 1 + len(losses) for axes in shares)


@pytest.mark.parametrize("sigmas", [[0.3], [0.1, 0.2, 0.3, 0.4, 1.0]])
def test_transfer_has_signal_and_noise_at_a_few_levels(losses, sigmas):
    figure = transfer_figure(*transfer(losses, sigmas))
    assert len(figure.axes) == len(losses)
    for axes, loss in zip(figure.axes, losses, strict=True):
        *gains, linear = axes.lines
        assert set(linear.get_ydata()) == {0.125}
        assert [line.get_linestyle() for line in gains] == ["-", "--"] * min(len(sigmas), 3)
        assert {line.get_color() for line in gains} == {COLOURS[loss]}
        signal = [line.get_ydata()[0] for line in gains[::2]]
        assert signal[0] == 1 - sigmas[0] / 2 and signal[-1] == 1 - sigmas[-1] / 2
    assert f"sigma {sigmas[0]:g}" in [text.get_text() for text in figure.legends[0].texts]


def test_features_are_drawn_for_real_images(losses):
    by_digit, by_thickness, by_place, by_trait = features_figure(*features(losses)).axes
    assert by_digit.get_xticks().tolist() == [1, 7]
    assert len(by_digit.containers) == len(by_thickness.containers) == len(losses)
    assert [text.get_text() for text in by_place.get_xticklabels()] == ["edge", "interior"]
    pixels, *errors = by_place.containers
    assert [bar.get_height() for bar in pixels] == [0.2, 0.2]
    assert len(errors) == len(losses) and all(bar.get_height() == 0.8 for bars in errors for bar in bars)
    assert [text.get_text() for text in by_trait.get_xticklabels()] == ["ink", "holes"]


def test_shares_below_0_have_no_bar_and_missing_ones_no_label():
    by_class, traits = features(["minimax"])
    traits["kept"] = [-3.0 if trait == "ink" else None for trait in traits.trait]
    by_trait = features_figure(by_class, traits).axes[3]
    assert by_trait.containers[0][0].get_height() == 0
    assert [text.get_text() for text in by_trait.texts] == ["-300", ""]


def test_figures_repeat_their_bytes(tmp_path):
    losses = ["minimax", "least_squares"]
    drawers = {
        "spectra": lambda: spectra_figure(spectra(losses)),
        "transfer": lambda: transfer_figure(*transfer(losses, [0.1, 0.5])),
        "features": lambda: features_figure(*features(losses)),
    }
    for name, draw in drawers.items():
        for path in (tmp_path / f"{name}_a.png", tmp_path / f"{name}_b.png"):
            save_figure(path, draw())
        assert (tmp_path / f"{name}_a.png").read_bytes() == (tmp_path / f"{name}_b.png").read_bytes()
