"""Errors put where they belong: on classes, thicknesses and places, of any ink on any ground."""

from dataclasses import replace

import numpy as np
import pytest

from stages.judging.intervals import Bootstrap
from stages.judging.places import feature_rows, places
from stages.restoration.restored import Restored
from tests.grounds import coloured
from tests.observations import observe
from tests.strokes import SIDE, bars

BOOTSTRAP = Bootstrap(resamples=200, seed=0)


def test_every_pixel_is_in_one_place():
    found = places(np.concatenate([bars(6)[0], np.zeros((1, SIDE, SIDE), dtype=np.float32)]))
    assert np.all(sum(where.astype(int) for where in found.values()) == 1)
    # A bar of 20 by 6 pixels: its outermost pixels, and those that share a side with them.
    assert [int(where[0].sum()) for where in found.values()] == [48 + 52, 18 * 4, SIDE**2 - 120 - 52]
    assert [int(where[1].sum()) for where in found.values()] == [0, 0, SIDE**2]


def test_feature_rows_put_errors_where_they_are():
    images = np.concatenate([bars(width) for width in (2, 2.5, 3, 4, 5, 6, 7, 8)])
    wrong = places(images[:, 0])["edge"]
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


def eight_bars() -> np.ndarray:
    return np.concatenate([bars(width) for width in (2, 2.5, 3, 4, 5, 6, 7, 8)])


def rows_of(images: np.ndarray, restored: np.ndarray, *, labelled: bool = True) -> list[dict]:
    observed = observe(images, ["generated"] * 2 + ["train"] * 3 + ["test"] * 3)
    if not labelled:
        observed = replace(observed, labels=None)
    return feature_rows("minimax", observed, Restored({"map": restored}), BOOTSTRAP)


def test_without_labels_there_are_no_rows_of_classes_and_the_others_stay():
    images = eight_bars()
    rows = rows_of(images, images * np.float32(0.8) + np.float32(0.1))
    assert "class" in {row["feature"] for row in rows}
    others = [row for row in rows if row["feature"] != "class"]
    assert rows_of(images, images * np.float32(0.8) + np.float32(0.1), labelled=False) == others


def test_colours_on_a_light_ground_have_the_places_and_thicknesses_of_white_on_black():
    images = eight_bars()
    white = rows_of(images, images * np.float32(0.8) + np.float32(0.1))
    colour = rows_of(coloured(images), coloured(images * np.float32(0.8) + np.float32(0.1)))
    words, numbers = ("source", "feature", "value", "n"), ("share_of_pixels", "share_of_error", "mse", "psnr")
    for a, b in zip(colour, white, strict=True):
        assert [a[name] for name in words] == [b[name] for name in words]
        assert [a[name] for name in numbers] == pytest.approx([b[name] for name in numbers], rel=1e-3)


def test_places_are_those_of_the_original_whatever_its_restoration_lost():
    images = eight_bars()
    rows = rows_of(images, np.ones_like(images))  # white all over: no ink would be left of its own ground
    shares = {row["value"]: row["share_of_pixels"] for row in rows if row["feature"] == "place"}
    assert 0 < shares["interior"] < shares["edge"] < shares["background"]


def test_images_without_ink_have_no_rows_of_thickness():
    grey = np.full((8, 1, SIDE, SIDE), 0.3, dtype=np.float32)
    rows = rows_of(grey, grey + np.float32(0.1))
    assert {(row["feature"], row["value"]) for row in rows} == {("class", 0), ("place", "background")}
