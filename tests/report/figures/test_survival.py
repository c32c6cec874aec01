"""Figures of what survives: a panel for each source or prior, whatever priors and noise levels there are."""

import numpy as np
import pandas as pd
import pytest

from stages.report.figures.features import features_figure
from stages.report.figures.spectra import spectra_figure
from stages.report.figures.transfer import transfer_figure
from stages.report.style import PALETTE, colours
from tests.drawn import blank_axes


@pytest.fixture(params=[["least_squares"], ["minimax", "non_saturating", "least_squares"]], ids=["one", "three"])
def priors(request) -> list[str]:
    return request.param


def spectra(priors: list[str]) -> pd.DataFrame:
    rows = [
        {"prior": prior, "method": method, "source": source, "frequency": frequency}
        | {"image_power": 10.0**-frequency, "residual_power": 1e-4 / (number + 1), "residual_share": 0.5}
        for number, prior in enumerate(priors)
        for method in ("plain", "whitened")
        for source in ("generated", "train", "test")
        for frequency in range(4)
    ]
    return pd.DataFrame(rows)


def transfer(priors: list[str], sigmas: list[float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    cells = [
        {"prior": prior, "method": method, "sigma": sigma}
        for prior in priors
        for method in ("plain", "map")
        for sigma in sigmas
    ]
    gains = [
        cell | {"frequency": frequency, "signal_gain": 1 - cell["sigma"] / 2, "noise_gain": 0.05}
        for cell in cells
        for frequency in range(4)
    ]
    return pd.DataFrame(gains), pd.DataFrame([cell | {"linear_gain": 0.125} for cell in cells])


def features(priors: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As read from CSV: the values of features are text."""
    values = [("class", "1"), ("class", "7"), ("thickness", "2.1"), ("thickness", "3"), ("place", "edge")]
    values.append(("place", "interior"))
    cells = [
        {"prior": prior, "method": method, "source": source}
        for prior in priors
        for method in ("plain", "whitened")
        for source in ("generated", "real")
    ]
    scores = {"psnr": 30.0, "psnr_low": 29.0, "psnr_high": 31.5, "share_of_error": 0.8, "share_of_pixels": 0.2}
    return (
        pd.DataFrame([cell | {"feature": name, "value": value} | scores for cell in cells for name, value in values]),
        pd.DataFrame([cell | {"trait": trait, "kept": 0.9} for cell in cells for trait in ("ink", "holes")]),
    )


def test_spectra_have_a_column_for_each_source(priors):
    figure = spectra_figure(spectra(priors))
    powers, shares = figure.axes[:3], figure.axes[3:]
    assert [axes.get_title() for axes in powers] == ["generated images", "train images", "test images"]
    # Generated images are each prior's own; the others are the same for all and are drawn once.
    assert [len(axes.lines) for axes in powers] == [2 * len(priors), 1 + len(priors), 1 + len(priors)]
    assert all(axes.get_yscale() == "log" for axes in figure.axes)
    assert all(len(axes.lines) == 1 + len(priors) for axes in shares)
    assert blank_axes(figure) == []


def test_spectra_are_drawn_with_the_numbers_of_one_method(priors):
    table = spectra(priors)
    table.loc[table.method == "plain", ["image_power", "residual_power", "residual_share"]] = 7.0
    figure = spectra_figure(table)
    palette = colours(priors)
    for power, share in zip(figure.axes[:3], figure.axes[3:], strict=True):
        solid = [line for line in power.lines if line.get_linestyle() == "-"]
        dotted = [line for line in power.lines if line.get_linestyle() == ":"]
        assert [line.get_ydata()[0] for line in solid] == [1e-4 / (number + 1) for number in range(len(priors))]
        assert [line.get_color() for line in solid] == [palette[prior] for prior in priors]
        assert all(np.array_equal(line.get_ydata(), 10.0 ** -np.arange(4)) for line in dotted)
        everything, *lost = share.lines
        assert set(everything.get_ydata()) == {1}
        assert all(set(line.get_ydata()) == {0.5} and list(line.get_xdata()) == [0, 1, 2, 3] for line in lost)


@pytest.mark.parametrize("sigmas", [[0.3], [0.1, 0.2, 0.3, 0.4, 1.0]])
def test_transfer_has_signal_and_noise_at_a_few_levels(priors, sigmas):
    figure = transfer_figure(*transfer(priors, sigmas))
    assert len(figure.axes) == len(priors)
    for axes, colour in zip(figure.axes, PALETTE, strict=False):
        *gains, linear = axes.lines
        assert set(linear.get_ydata()) == {0.125}
        assert [line.get_linestyle() for line in gains] == ["-", "--"] * min(len(sigmas), 3)
        assert {line.get_color() for line in gains} == {colour}
        signal = [line.get_ydata()[0] for line in gains[::2]]
        assert signal[0] == 1 - sigmas[0] / 2 and signal[-1] == 1 - sigmas[-1] / 2
        assert all(set(line.get_ydata()) == {0.05} for line in gains[1::2])
    texts = [text.get_text() for text in figure.legends[0].texts]
    assert f"sigma {sigmas[0]:g}" in texts and f"sigma {sigmas[-1]:g}" in texts
    assert blank_axes(figure) == []


def test_features_are_drawn_for_real_images(priors):
    figure = features_figure(*features(priors))
    by_digit, by_thickness, by_place, by_trait = figure.axes
    assert by_digit.get_xticks().tolist() == [1, 7]
    assert len(by_digit.containers) == len(by_thickness.containers) == len(priors)
    assert [text.get_text() for text in by_place.get_xticklabels()] == ["edge", "interior"]
    pixels, *errors = by_place.containers
    assert [bar.get_height() for bar in pixels] == [0.2, 0.2]
    assert len(errors) == len(priors) and all(bar.get_height() == 0.8 for bars in errors for bar in bars)
    assert [text.get_text() for text in by_trait.get_xticklabels()] == ["ink", "holes"]
    assert len(by_trait.containers) == len(priors)
    assert all(bar.get_height() == 0.9 for bars in by_trait.containers for bar in bars)
    assert blank_axes(figure) == []


def test_features_stand_side_by_side_with_their_intervals(priors):
    figure = features_figure(*features(priors))
    by_digit, by_thickness, *_ = figure.axes
    for axes, values in ((by_digit, [1, 7]), (by_thickness, [2.1, 3])):
        centres = []
        for points, _, (intervals,) in axes.containers:
            assert set(points.get_ydata()) == {30}
            assert all(segment[:, 1].tolist() == [29, 31.5] for segment in intervals.get_segments())
            centres.append(np.asarray(points.get_xdata(), dtype=float))
        np.testing.assert_allclose(np.mean(centres, axis=0), values)
        assert len({tuple(x) for x in centres}) == len(priors)
    assert [text.get_text() for text in figure.legends[0].texts] == [
        {"minimax": "minimax", "non_saturating": "non-saturating", "least_squares": "least squares"}[prior]
        for prior in priors
    ]


def test_shares_below_0_have_no_bar_and_missing_ones_no_label():
    by_class, traits = features(["minimax"])
    traits["kept"] = [-3.0 if trait == "ink" else None for trait in traits.trait]
    by_trait = features_figure(by_class, traits).axes[3]
    assert by_trait.containers[0][0].get_height() == 0
    assert [text.get_text() for text in by_trait.texts] == ["-300", ""]


@pytest.mark.parametrize(("kept", "labels"), [(["thickness", "place"], 1), (["class", "place"], 1), (["place"], 0)])
def test_what_images_do_not_have_has_no_panel(priors, kept, labels):
    table, traits = features(priors)
    figure = features_figure(table[table.feature.isin(kept)], traits)
    assert len(figure.axes) == len(kept) + 1
    scored = [axes.get_xlabel() for axes in figure.axes if axes.get_ylabel() == "PSNR, dB"]
    assert len(scored) == labels and all(label.startswith(kept[0]) for label in scored)
    assert len(figure.legends[0].texts) == len(priors)
    assert blank_axes(figure) == []


def test_of_very_many_classes_only_some_have_a_tick():
    table, traits = features(["minimax"])
    row = table[(table.method == "whitened") & (table.source == "real")].iloc[0]
    many = pd.DataFrame([{**row, "feature": "class", "value": str(number)} for number in range(60)])
    by_class = features_figure(pd.concat([many, table[table.feature == "place"]]), traits).axes[0]
    assert len(by_class.containers[0][0].get_xdata()) == 60
    assert by_class.get_xticks().tolist() == list(range(0, 60, 4))
