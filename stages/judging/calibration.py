"""How often the truth lies in a posterior's intervals, and whether its chains agree."""

import numpy as np

from stages.images.ground import ground, ink
from stages.judging.intervals import Bootstrap
from stages.pipeline.storage import Row
from stages.restoration.observed import Observed
from stages.restoration.restored import Restored

CARRIES_INK = 0.1  # ink from which a pixel counts: flat ground is easy, even the faint edge of a stroke is not
CONVERGED = 1.1  # split R-hat below which chains are taken to agree (Gelman et al. 2013, sec. 11.5)


def calibration_rows(task: str, prior: str, observed: Observed, restored: Restored, bootstrap: Bootstrap) -> list[Row]:
    """One row for each condition: how often the truth lies in the intervals, how sure they are, do the chains agree.

    Coverage is taken over the pixels that carry ink, each channel by itself, of the hidden ones where some are hidden.
    Each image's share is one number; the interval is that of their mean. A condition under which no image has such a
    pixel has no row.
    """
    rows: list[Row] = []
    inked, spread = ink(observed.images, ground(observed.images)) >= CARRIES_INK, restored.spread
    if observed.hidden is not None:
        inked = inked & observed.hidden
    for condition in observed.conditions:
        cell = observed.cell(condition) & inked.any(axis=(1, 2, 3))
        if not cell.any():
            continue
        pixels = inked[cell]
        row: Row = {"prior": prior, "task": task, "condition": float(condition), "n": int(cell.sum())}
        for coverage in ("50", "90"):
            low, high = spread[f"low_{coverage}"][cell], spread[f"high_{coverage}"][cell]
            inside = (observed.images[cell] >= low) & (observed.images[cell] <= high)
            share = (inside & pixels).sum(axis=(1, 2, 3)) / pixels.sum(axis=(1, 2, 3))
            row |= bootstrap.cells(f"coverage_{coverage}", share)
        rows.append(
            row
            | {
                "std": spread["posterior_std"][cell][pixels].mean(),
                "r_hat": np.median(spread["r_hat"][cell]),
                "converged": (spread["r_hat"][cell] < CONVERGED).mean(),
                "effective_chains": (1 / np.square(spread["chain_weights"][cell]).sum(axis=1)).mean(),
            }
        )
    return rows
