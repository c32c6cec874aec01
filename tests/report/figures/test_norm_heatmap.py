"""The table of norms: a number for each, in the colour of how far it is behind."""

import numpy as np
import pandas as pd

from stages.report.figures.norms import norm_heatmap
from tests.drawn import blank_axes

SCORES = {("l2", "off"): (20, 8), ("l2", "on"): (19, 9), ("l1", "off"): (21, 7)}


def norms() -> pd.DataFrame:
    rows = [
        {"norm": norm, "with_prior": prior, "corruption": corruption, "psnr": psnr}
        for (norm, prior), both in SCORES.items()
        for corruption, psnr in zip(("clean", "windows_1"), both, strict=True)
    ]
    return pd.DataFrame(rows)


def test_the_best_norm_of_each_corruption_is_bold():
    (axes,) = norm_heatmap(norms()).axes
    assert {text.get_text() for text in axes.texts if text.get_fontweight() == "bold"} == {"21.0", "9.0"}


def test_every_norm_has_its_number_under_every_corruption():
    figure = norm_heatmap(norms())
    (axes,) = figure.axes
    found = {(text.get_position()[1], text.get_position()[0]): float(text.get_text()) for text in axes.texts}
    expected = {(row, column): score for row, both in enumerate(SCORES.values()) for column, score in enumerate(both)}
    assert found == expected
    assert [label.get_text() for label in axes.get_xticklabels()] == ["clean", "windows\n1"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["l2, prior off", "l2, prior on", "l1, prior off"]
    assert np.asarray(axes.images[0].get_array()).tolist() == [[-1, -1], [-2, 0], [0, -2]]
    assert blank_axes(figure) == []
