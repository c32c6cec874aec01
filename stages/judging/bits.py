"""log p(x) of images, as a table of each image and as bits per dimension, and how sure their means are."""

import math

import numpy as np
import pandas as pd

from stages.judging.intervals import Bootstrap
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.pixels import bits_per_dim
from stages.pipeline.storage import WORD, Number, Row, load_table

MISFIT, LIKELIEST = "misfit", "likeliest"  # noises: of restorations, and fitted to validation images (pixel_noise.py)
TEST, SIMULATED = "test", "simulated"  # images: of the test split, and drawn by the prior itself
LOWER, UPPER, GAP = "lower", "upper", "gap"  # bounds of log p(x), and upper - lower
CELLS = ((TEST, LOWER), (SIMULATED, LOWER), (SIMULATED, UPPER))
COLUMNS: dict[str, Number | str] = {
    "noise": WORD,
    "floor": Number(low=0),
    "slope": Number(low=0),
    "images": WORD,
    "bound": WORD,
    "image": Number(low=0),
    "nats": Number(),
    "bits_per_dim": Number(),
}


def image_rows(images: str, bound: str, nats: np.ndarray, pixels: int) -> list[Row]:
    """A row for each image, of a bound of log p(x) (N,)."""
    bits = bits_per_dim(nats, pixels)
    return [
        {"images": images, "bound": bound, "image": number, "nats": own, "bits_per_dim": bits[number]}
        for number, own in enumerate(nats)
    ]


def load_bits(prior: str) -> pd.DataFrame:
    """What the stage `likelihood` found of a prior, or of one with its flow; rows of every noise and all CELLS.

    Raises UserError for a file that is missing, damaged or lacks some of them.
    """
    path = artifacts.likelihood(prior)
    table = load_table(path, COLUMNS)
    there = set(table[["noise", "images", "bound"]].itertuples(index=False, name=None))
    for cell in ((noise, *cell) for noise in (MISFIT, LIKELIEST) for cell in CELLS):
        if cell not in there:
            raise UserError(f"{path}: has no rows of {' '.join(cell)}: run `dvc repro`")
    return table


def likelihood_rows(prior: str, table: pd.DataFrame, bootstrap: Bootstrap) -> list[Row]:
    """Means over images of `load_bits`'s table, with 95 % intervals; `gap` is of each simulated image's own bounds.

    `bits_per_dim` of a gap is upper - lower in bits, without the 8 of the formula. No pixel takes fewer than
    `least_bits`, those of one that the generator draws exactly, with the noise's floor as its variance.
    """
    rows: list[Row] = []
    for noise in (MISFIT, LIKELIEST):
        own = table[table.noise == noise]
        floor, slope = own.floor.iloc[0], own.slope.iloc[0]
        least = bits_per_dim(-math.log(2 * math.pi * floor) / 2, 1)
        about = {"prior": prior, "noise": noise, "floor": floor, "slope": slope, "least_bits": least}
        cells = {cell: own[(own.images == cell[0]) & (own.bound == cell[1])] for cell in CELLS}
        values = {cell: (rows_.nats.to_numpy(), rows_.bits_per_dim.to_numpy()) for cell, rows_ in cells.items()}
        lower, upper = values[SIMULATED, LOWER], values[SIMULATED, UPPER]
        values[SIMULATED, GAP] = (upper[0] - lower[0], lower[1] - upper[1])
        for (images, bound), (nats, bits) in values.items():
            low, high = bootstrap.interval(bits)
            means = bootstrap.cells("nats", nats) | {"bits_per_dim": bits.mean(), "low": low, "high": high}
            rows.append(about | {"images": images, "bound": bound, "n": len(nats)} | means)
    return rows
