"""A few scalars of every table, nested, for `dvc metrics show` and `dvc metrics diff`."""

import pandas as pd

# The methods whose scores stand in the summary.
INVERSION, RESTORATION = "whitened", "posterior_mean"


def summarise(tables: dict[str, pd.DataFrame], losses: list[str]) -> dict[str, dict]:
    """Scores by loss, and under `best` those of the best loss: a key that experiments with other losses share too."""
    last = tables["training"].groupby("loss").last()
    fidelity = tables["fidelity"].groupby("loss").last()  # of the last epoch
    inversion = tables["inversion"][tables["inversion"].method == INVERSION]
    denoising, inpainting = (
        table[table.method == RESTORATION] for table in (tables["denoising"], tables["inpainting"])
    )
    denoising = denoising[denoising.sigma > 0]  # what is seen without noise is perfect
    return {
        "training": {
            loss: {name: float(last.loc[loss, name]) for name in ("real_logit", "fake_logit", "g_grad_norm")}
            for loss in losses
        },
        "fidelity": _with_best("frechet_distance", fidelity["frechet_distance"], losses, best=min),
        "inversion": _with_best("test_psnr", inversion[inversion.source == "test"].groupby("loss").psnr.mean(), losses),
        "denoising": _with_best("psnr", denoising.groupby("loss").psnr.mean(), losses),
        "inpainting": _with_best("hole_psnr", inpainting.groupby("loss").hole_psnr.mean(), losses),
    }


def _with_best(name: str, values: pd.Series, losses: list[str], best=max) -> dict[str, dict[str, float]]:
    by_loss = {loss: float(values[loss]) for loss in losses}
    return {"best": {name: best(by_loss.values())}} | {loss: {name: value} for loss, value in by_loss.items()}
