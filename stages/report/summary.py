"""A few scalars of every table, nested, for `dvc metrics show` and `dvc metrics diff`."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from stages.pipeline.params import Params
from stages.report.latents import join_latent
from stages.restoration.restored import POSTERIOR_MEAN, WHITENED


def summarise(tables: dict[str, pd.DataFrame], params: Params) -> dict[str, dict]:
    """Scores by prior, and under `best` those of the best prior: a key that experiments with other priors share too."""
    priors = params.priors
    tables = {name: join_latent(table) for name, table in tables.items() if "latent" in table}
    last = tables["training"].groupby("prior").last()
    fidelity = tables["fidelity"].groupby("prior").last()  # of the last epoch
    inversion = tables["inversion"].query(f"method == '{WHITENED}' and source == 'test'")
    scores = {
        "training": {
            prior: {
                name: float(last[name][prior])
                for name in ("real_logit", "fake_logit", "g_grad_norm")
                if np.isfinite(last[name][prior])  # not of a prior without a discriminator
            }
            for prior in priors
        },
        "fidelity": _with_best("frechet_distance", fidelity["frechet_distance"], params.searched, min),
        "inversion": _with_best("test_psnr", inversion.groupby("prior").psnr.mean(), priors, max),
    }
    for task in params.tasks:
        table = tables[task].query(f"method == '{POSTERIOR_MEAN}'")
        quality = "hole_psnr" if "hole_psnr" in table else "psnr"
        table = table[np.isfinite(table[quality])]  # what is seen without noise is perfect
        scores[task] = _with_best(quality, table.groupby("prior")[quality].mean(), params.searched, max)
    return scores


def _with_best(
    name: str, values: pd.Series, priors: list[str], best: Callable[[Iterable[float]], float]
) -> dict[str, dict[str, float]]:
    by_prior = {prior: float(values[prior]) for prior in priors}
    return {"best": {name: best(by_prior.values())}} | {prior: {name: value} for prior, value in by_prior.items()}
