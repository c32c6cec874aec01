"""The few scalars by which experiments compare, for `dvc metrics diff` and `dvc exp show`; all else is in the tables.

There is one for each condition, the highest score of any prior: a key that experiments with other priors share. Two
conditions may be those of two priors. A mean over conditions would change with the grid.
"""

import numpy as np
import pandas as pd

from stages.pipeline.params import Params
from stages.report.latents import join_latent
from stages.restoration.restored import POSTERIOR_MEAN, WHITENED

DECIMALS = 3  # 0.001 dB is far less than any two experiments differ by


def summarise(tables: dict[str, pd.DataFrame], params: Params) -> dict[str, dict[str, float]]:
    """group -> measure or condition -> the best score of any prior."""
    tables = {name: join_latent(table) for name, table in tables.items() if "latent" in table}
    fidelity = tables["fidelity"].groupby("prior").last()  # of the last epoch
    inversion = tables["inversion"].query(f"method == '{WHITENED}' and source == 'test'").set_index("prior")
    scores = {
        "fidelity": {"frechet_distance": _rounded(fidelity.frechet_distance[params.searched].min())},
        "inversion": {"test_psnr": _rounded(inversion.psnr[params.priors].max())},
    }
    for task in params.tasks:
        table = tables[task].query(f"method == '{POSTERIOR_MEAN}'")
        table = table[table.prior.isin(params.searched)]
        condition = table.columns[list(table.columns).index("method") + 1]
        quality = "hole_psnr" if "hole_psnr" in table else "psnr"
        table = table[np.isfinite(table[quality])]  # what is seen without noise is perfect
        best = table.groupby(condition)[quality].max()
        scores[task] = {f"{quality}_{value:g}": _rounded(score) for value, score in best.items()}
    return scores


def _rounded(score: float) -> float:
    return round(float(score), DECIMALS)
