"""Errors put where they belong: on digits, thicknesses and places."""

import numpy as np
import pytest

from stages.judging.intervals import Bootstrap
from stages.judging.places import feature_rows, places
from stages.restoration.restored import Restored
from tests.observations import observe
from tests.strokes import SIDE, bars

BOOTSTRAP = Bootstrap(resamples=200, seed=0)


def test_every_pixel_is_in_one_place():
    found = places(np.concatenate([bars(6), np.zeros((1, 1, SIDE, SIDE), dtype=np.float32)]))
    assert np.all(sum(where.astype(int) for where in found.values()) == 1)
    # A bar of 20 by 6 pixels: its outermost pixels, and those that share a side with them.
    assert [int(where[0].sum()) for where in found.values()] == [48 + 52, 18 * 4, SIDE**2 - 120 - 52]
    assert [int(where[1].sum()) for where in found.values()] == [0, 0, SIDE**2]


def test_feature_rows_put_errors_where_they_are():
    images = np.concatenate([bars(width) for width in (2, 2.5, 3, 4, 5, 6, 7, 8)])
    wrong = places(images)["edge"]
    observed = observe(
        images,
        ["generated"] * 2 + ["train"] * 3 + ["test"] * 3,
        labels=np.array([0, 1, 0, 1, 0, 0, 1, 0], dtype=np.uint8),
    )
    restored = Restored({"map": np.where(wrong, images - np.float32(0.1), images)})
    rows = feature_rows("minimax", observed, restored, BOOTSTRAP)
    names = ["prior", "method", "source", "feature", "value", "n", "psnr", "psnr_low", "psnr_high", "mse"]
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
