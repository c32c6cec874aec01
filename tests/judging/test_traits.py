"""Traits of bars and rings whose width, lean and holes are known, on any ground."""

import math

import numpy as np
import pytest

from stages.judging.traits import stroke_thickness, trait_rows, traits
from stages.restoration.restored import Restored
from tests.grounds import coloured
from tests.observations import observe
from tests.strokes import SIDE, bars, ring


@pytest.mark.parametrize("width", [2, 2.5, 3, 4, 5.5])
@pytest.mark.parametrize("angle", [0, 30, 45, 90])
def test_thickness_of_bars(width, angle):
    assert stroke_thickness(bars(width, angle)[0]) == pytest.approx([width], abs=0.3)


def test_thickness_grows_with_the_width_and_needs_ink():
    widths = np.arange(1.5, 6, 0.5)
    measured = stroke_thickness(np.concatenate([bars(width, 20)[0] for width in widths]))
    assert (np.diff(measured) > 0).all()
    assert stroke_thickness(np.full((1, SIDE, SIDE), 0.4, dtype=np.float32)) == [0]


def test_traits_of_bars_and_rings():
    two_bars = np.maximum(np.roll(bars(3), -6, axis=2), np.roll(bars(3), 6, axis=2))
    found = traits(np.concatenate([bars(3, 90), two_bars, ring(), np.zeros_like(ring())])[:, 0])
    assert found["parts"].tolist() == [1, 2, 1, 0]
    assert found["holes"].tolist() == [0, 0, 1, 0]
    assert found["ink"][0] == pytest.approx(3 * 20 / SIDE**2, rel=0.02)
    assert all(values[3] == 0 for values in found.values())
    assert found["slant"][0] == pytest.approx(0, abs=1e-6)
    # A bar at 60 degrees from the rows leans by 1 / tan 60 columns a row, but for its thickness.
    assert traits(bars(1.5, 60)[0])["slant"] == pytest.approx([1 / math.tan(math.radians(60))], rel=0.03)


def test_a_single_row_of_ink_does_not_lean():
    rows = np.zeros((28, SIDE, SIDE), dtype=np.float32)
    for place, level in enumerate(np.random.default_rng(0).random((28, SIDE), dtype=np.float32)):
        rows[place, place % SIDE] = level
    assert traits(rows)["slant"].tolist() == [0.0] * 28


def test_trait_rows_tell_what_is_kept():
    images = np.concatenate(
        [bars(width, 10 * width) for width in (2, 3, 4, 5)] + [ring(width, width / 10) for width in (2, 3, 4, 5)]
    )
    filled = images.copy()
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    filled[4, 0][np.hypot(x - 0.2 * y, y) < 7] = 1  # one of four holes
    observed = observe(images, ["train"] * 2 + ["test"] * 2 + ["generated"] * 4)
    rows = trait_rows("minimax", observed, Restored({"plain": images, "map": filled}))
    kept = {(row["method"], row["source"], row["trait"]): row["kept"] for row in rows}
    assert len(kept) == 2 * 2 * 5 and {(row["prior"], row["n"]) for row in rows} == {("minimax", 4)}
    assert all(value == 1 for (method, _, _), value in kept.items() if method == "plain")
    assert kept["map", "real", "holes"] == 1 and kept["map", "generated", "holes"] == 0.75
    assert kept["map", "generated", "parts"] == 1 and kept["map", "generated", "ink"] < 1


def kept(images: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    observed = observe(images, ["train"] * 2 + ["test"] * 2)
    return {row["trait"]: row["kept"] for row in trait_rows("minimax", observed, Restored({"map": restored}))}


def test_colours_on_a_light_ground_have_the_traits_of_white_on_black():
    images = np.concatenate([bars(width, 10 * width) for width in (2, 5)] + [ring(3, 0.1), ring(4, 0.3)])
    thinner = np.concatenate([bars(width, 9 * width) for width in (1.5, 4)] + [ring(2, 0.1), ring(4, 0.2)])
    expected = kept(images, thinner)
    assert 0 < expected["thickness"] < 1 and expected["holes"] == 1
    assert kept(coloured(images), coloured(thinner)) == pytest.approx(expected, abs=0.02)


def test_ink_of_a_restoration_is_taken_from_the_ground_of_its_original():
    images = np.concatenate([bars(width) for width in (2, 3, 4, 5)])
    negative = kept(images, 1 - images)  # of its own ground it would have the same ink
    assert negative["ink"] < 0 and negative["holes"] == 0
