"""How far a mean over images can be trusted: bootstrap intervals."""

import math
from dataclasses import dataclass

import numpy as np

from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.storage import Row


@dataclass(frozen=True)
class Bootstrap:
    """How the bootstrap of a mean is drawn: the same resamples for every cell of the same size."""

    resamples: int
    seed: int

    def interval(self, values: np.ndarray) -> tuple[float, float]:
        """95 % percentile bootstrap interval of the mean of `values` (N,) (Efron & Tibshirani 1993, ch. 13).

        NaN where the mean is not finite, as the PSNR of an image with itself.
        """
        if not np.isfinite(values).all():
            return math.nan, math.nan
        stream = numpy_stream(self.seed, "bootstrap", len(values))
        picks = stream.integers(len(values), size=(self.resamples, len(values)))
        low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
        return float(low), float(high)

    def cells(self, name: str, values: np.ndarray) -> Row:
        """The mean of `values` and the ends of its interval, as cells `name`, `name_low` and `name_high` of a row."""
        low, high = self.interval(values)
        return {name: values.mean(), f"{name}_low": low, f"{name}_high": high}
