"""Differences between GAN losses, each against the reference, and of all priors to the best rival."""

import numpy as np
import pandas as pd

from stages.report.figures.leads import best_rival
from stages.report.figures.losses import difference_curves, loss_differences

GANS = ["minimax", "non_saturating", "least_squares"]


def paired() -> pd.DataFrame:
    pairs = [
        ("non_saturating", "minimax", 5.0),
        ("least_squares", "minimax", 4.0),
        ("least_squares", "non_saturating", -1.0),
        ("vae", "non_saturating", 0.5),
        ("least_squares-flow", "non_saturating-flow", -0.2),
        ("least_squares-flow", "non_saturating", -9.0),
        ("non_saturating-flow", "non_saturating", -8.0),
        ("least_squares", "unet", -2.0),
    ]
    return pd.DataFrame(
        [
            {"prior": prior, "task": "denoising", "method": method, "against": against, "condition": sigma}
            | {"difference": value, "difference_low": value - 0.1, "difference_high": value + 0.3}
            for prior, against, value in pairs
            for method in ("map", "posterior_mean")
            for sigma in (0.5, 0.1)
        ]
    )


def test_each_loss_is_compared_with_the_reference_from_the_same_latent():
    found = loss_differences(paired(), GANS, "non_saturating")
    assert set(found.method) == {"posterior_mean"} and len(found) == 3 * 2
    means = found.groupby("prior", sort=False).difference.mean()
    assert means.to_dict() == {"minimax": -5.0, "least_squares": -1.0, "least_squares-flow": -0.2}
    minimax = found[found.prior == "minimax"].iloc[0]
    np.testing.assert_allclose([minimax.difference_low, minimax.difference_high], [-5.3, -4.9])


def test_a_curve_for_each_and_a_line_at_zero():
    palette = dict.fromkeys(["minimax", "least_squares", "least_squares-flow"], "#00798c")
    found = loss_differences(paired(), GANS, "non_saturating")
    figure = difference_curves(found, {"denoising": "sigma"}, {"denoising": "non_saturating"}, palette)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["minimax", "least squares", "least squares + flow", "non-saturating"]
    np.testing.assert_array_equal(lines["minimax"].get_xydata(), [(0.1, -5), (0.5, -5)])
    assert lines["least squares + flow"].get_linestyle() == "-" and lines["minimax"].get_linestyle() == "--"
    assert axes.get_ylabel() == "PSNR less that of non-saturating, dB"


def test_the_best_rival_has_the_highest_mean_and_is_no_prior_and_no_combination():
    scores = {"tv": (20.0, 10.0), "unet": (19.0, 14.0), "combined": (30.0, 30.0), "observed": (40.0, 40.0)}
    rows = [{"prior": "none", "method": name, "psnr": value} for name, own in scores.items() for value in own]
    table = pd.DataFrame([{"prior": "vae", "method": "posterior_mean", "psnr": 50.0}, *rows])
    assert best_rival(table, "psnr") == "unet"
    assert best_rival(table[~table.method.isin(["tv", "unet"])], "psnr") is None
