"""Rows of what images cost under a density, and of how a generator's Jacobian falls off."""

from collections.abc import Mapping

import numpy as np

from stages.judging.intervals import Bootstrap
from stages.pipeline.storage import Row


def density_rows(model: str, bits: Mapping[str, np.ndarray], bootstrap: Bootstrap) -> list[Row]:
    """A row for each kind of images: the mean of bits per dimension (N,) under a model, with its 95 % interval."""
    rows: list[Row] = []
    for images, own in bits.items():
        low, high = bootstrap.interval(own)
        mean = own.mean(dtype=np.float64)
        rows.append({"model": model, "images": images, "bits_per_dim": mean, "low": low, "high": high, "n": len(own)})
    return rows


def jacobian_rows(prior: str, values: np.ndarray) -> list[Row]:
    """A row for each place in the order of singular values (codes, values): median and 5 to 95 % of the codes."""
    low, median, high = np.percentile(values, [5, 50, 95], axis=0)
    return [
        {"prior": prior, "index": place, "singular_value": middle, "low": least, "high": most, "n": len(values)}
        for place, (least, middle, most) in enumerate(zip(low, median, high, strict=True), 1)
    ]
