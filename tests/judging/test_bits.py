"""Bits per dimension, and the rows of the table of likelihoods."""

import numpy as np
import pandas as pd
import pytest

from stages.judging.bits import CELLS, LIKELIEST, MISFIT, image_rows, likelihood_rows
from stages.judging.intervals import Bootstrap


@pytest.fixture
def table() -> pd.DataFrame:
    """Of two images with 10 pixels, 4 nats likelier under one noise, with a gap of 1 and 3 nats between bounds."""
    lower, upper = np.array([-2.0, 6.0]), np.array([-1.0, 9.0])
    rows = [
        {"noise": noise, "floor": 0.5, "slope": 0.25} | row
        for noise, more in ((MISFIT, 0), (LIKELIEST, 4))
        for images, bound in CELLS
        for row in image_rows(images, bound, (upper if bound == "upper" else lower) + more, 10)
    ]
    return pd.DataFrame(rows)


def test_means_and_gaps_are_of_the_images(table):
    rows = pd.DataFrame(likelihood_rows("vae-flow", table, Bootstrap(200, 0)))
    assert (rows.prior == "vae-flow").all() and (rows.floor == 0.5).all() and (rows.slope == 0.25).all()
    assert rows.noise.tolist() == [MISFIT] * 4 + [LIKELIEST] * 4
    assert list(rows[["images", "bound", "nats", "n"]].itertuples(index=False, name=None)) == [
        (*cell, nats, 2)
        for more in (0, 4)
        for cell, nats in (
            (("test", "lower"), 2 + more),
            (("simulated", "lower"), 2 + more),
            (("simulated", "upper"), 4 + more),
            (("simulated", "gap"), 2),
        )
    ]
    bits = 10 * np.log(2)
    expected = [8 - 2 / bits, 8 - 2 / bits, 8 - 4 / bits, 2 / bits]
    np.testing.assert_allclose(rows.bits_per_dim[:4], expected)
    assert (rows.low <= rows.bits_per_dim).all() and (rows.bits_per_dim <= rows.high).all()
    np.testing.assert_allclose(rows.least_bits, 8 + np.log2(np.pi) / 2)  # a floor of a half
    # The gap's interval is of the two images' own gaps.
    np.testing.assert_allclose(rows[rows.bound == "gap"][["nats_low", "nats_high"]], [[1, 3]] * 2)
