"""How far a mean over images can be trusted: bootstrap intervals."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.storage import Row


@dataclass(frozen=True)
class Bootstrap:
    """How the bootstrap of a mean is drawn: the same resamples for every cell of the same size."""

    resamples: int
    seed: int

    def interval(self, values: np.ndarray) -> tuple[float, float]:
        """95 % bootstrap interval of the mean of `values` (N,): the expanded percentile interval (Hesterberg 2015).

        Plain percentiles are too close together where values are few: of 8 normal ones they hold the mean in 89 % of
        cases. These are further apart, by as much as Student's t interval is wider than the mean +- 1.96 standard
        deviations (divided by N, not N - 1) over sqrt(N). Of fewer than six values no interval of resampled means is
        wide enough: it lies between the least and the largest. NaN where the mean is not finite, as the PSNR of an
        image with itself.
        """
        if not np.isfinite(values).all():
            return math.nan, math.nan
        picks, tail = _picks(self, len(values)), tail_share(len(values))
        low, high = np.quantile(values[picks].mean(axis=1), [tail, 1 - tail])
        return float(low), float(high)

    def cells(self, name: str, values: np.ndarray) -> Row:
        """The mean of `values` and the ends of its interval, as cells `name`, `name_low` and `name_high` of a row."""
        low, high = self.interval(values)
        return {name: values.mean(), f"{name}_low": low, f"{name}_high": high}


@functools.lru_cache(maxsize=8)  # of 64 images 1 MB; most tables have cells of few sizes
def _picks(bootstrap: Bootstrap, count: int) -> np.ndarray:
    """Which of `count` values each resample has, (resamples, count)."""
    stream = numpy_stream(bootstrap.seed, "bootstrap", count)
    return stream.integers(count, size=(bootstrap.resamples, count))


@functools.cache
def tail_share(count: int) -> float:
    """The share of resampled means of `count` values that is to lie below a 95 % interval, and as much above it.

    Phi(-sqrt(N / (N - 1)) t), t the 97.5 % quantile of Student's t with N - 1 degrees of freedom (Hesterberg 2015);
    none of a single value.
    """
    if count == 1:
        return 0.0
    return float(ndtr(-math.sqrt(count / (count - 1)) * stdtrit(count - 1, 0.975)))
