"""Whether a run saturated, and by how much gradients fell: what the tables say of the two experiments."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from stages.pipeline.artifacts import SATURATION_GRID
from stages.pipeline.params import Saturated
from stages.pipeline.storage import Array, Row, load_arrays

CELL = ["loss", "discriminator_steps", "optimiser", "batch_norm"]
RUN = [*CELL, "seed"]
LEAST = 1e-300  # in place of a zero that has no logarithm
QUALITY = ["frechet_distance", "coverage"]  # of a run's samples


def run_name(run: Mapping[str, object]) -> str:
    """The name of a run's samples, from its columns."""
    return "-".join(str(run[column]) for column in RUN)


def run_of(name: str) -> Row:
    """The columns of the run whose samples have this name."""
    run: Row = dict(zip(RUN, name.split("-"), strict=True))
    return run | {column: int(run[column]) for column in ("discriminator_steps", "seed")}


def load_small_samples(file: str) -> dict[str, np.ndarray]:
    """`run_name` -> images (n, C, S, S), uint8, that a small GAN drew in the end, of a file of data/saturation_grid."""
    images = Array("uint8", ("n", "C", "S", "S"))
    return load_arrays(SATURATION_GRID / file, {}, lambda name: images if name.count("-") == len(RUN) - 1 else None)


def judge_run(history: pd.DataFrame, criterion: Saturated) -> pd.Series:
    """A run (a row a generator step, in order) in a few numbers, and whether it `saturated`.

    diverged        1 if something is no number any more in the end; then it did not saturate, and the rest is NaN
    gradient_ratio  median norm of the generator's gradient over the last steps, by the largest of the run
    update_ratio    the same of the steps that the optimiser makes of it
    loss_slope, d_accuracy  medians over the last steps

    It saturated if the gradient is all but gone although the discriminator still tells its images from real ones: a
    small gradient alone could also be the generator's success. The largest, since a discriminator may be sure before
    the generator's first few steps are over; a median at the end, so that no single step decides.
    """
    last = history.iloc[-max(round(criterion.last * len(history)), 1) :]
    if last[["g_grad_norm", "update_norm", "loss_slope", "d_accuracy"]].isna().any(axis=None):
        nothing = dict.fromkeys(("gradient_ratio", "update_ratio", "loss_slope", "d_accuracy"), np.nan)
        return pd.Series({"saturated": 0, "diverged": 1} | nothing)
    ratio = {name: last[f"{name}_norm"].median() / history[f"{name}_norm"].max() for name in ("g_grad", "update")}
    accuracy = last.d_accuracy.median()
    gone = ratio["g_grad"] <= criterion.gradient_ratio and accuracy >= criterion.d_accuracy
    return pd.Series(
        {
            "saturated": int(gone),
            "diverged": 0,
            "gradient_ratio": ratio["g_grad"],
            "update_ratio": ratio["update"],
            "loss_slope": last.loss_slope.median(),
            "d_accuracy": accuracy,
        }
    )


def count_saturated(histories: pd.DataFrame, quality: pd.DataFrame, criterion: Saturated) -> pd.DataFrame:
    """metrics/saturation_grid.csv: for each cell how many of its seeds saturated and diverged, and medians of the rest.

    `histories` has a row for each run's generator step, `quality` a row for each run.
    """
    runs = [{**dict(zip(RUN, key, strict=True)), **judge_run(own, criterion)} for key, own in _groups(histories, RUN)]
    joined = pd.DataFrame(runs).merge(quality[[*RUN, *QUALITY]], on=RUN)
    joined.loc[joined.diverged == 1, QUALITY] = np.nan  # what such a generator draws is no measure of the others
    rows = []
    for key, own in _groups(joined, CELL):
        medians = own.drop(columns=[*RUN, "saturated", "diverged"]).median().to_dict()
        counts = {"seeds": len(own)} | {name: int(own[name].sum()) for name in ("saturated", "diverged")}
        rows.append(dict(zip(CELL, key, strict=True)) | counts | medians)
    return pd.DataFrame(rows)


def gradient_falls(saturation: pd.DataFrame) -> pd.DataFrame:
    """metrics/saturation_falls.csv: by how many orders of magnitude each factor falls, from first to last step.

    For each objective and age: medians over seeds, and the least and the most of them (negative: it grows), and the
    factors |dL/dD| and dD/dl of the slope and the discriminator's accuracy at the last step. `bounded`
    is the share of all points at which |dL/dtheta| <= max|dL/dl| * mean|dl/dtheta|, `bounded_by_mean` that with the
    gradient of the mean logit in place of the mean of gradients.
    """
    rows = []
    for (objective, age), own in _groups(saturation, ["objective", "age"]):
        row = {"objective": objective, "age": age, "seeds": own.seed.nunique(), "d_steps": own.d_step.max()}
        by_seed = own.sort_values("d_step").groupby("seed")
        for name in ("g_grad_norm", "loss_slope", "logit_grad_norm"):
            fall = pd.Series(np.log10(by_seed[name].first() / by_seed[name].last()))
            short = name.removesuffix("_norm")
            row |= {f"{short}_fall": fall.median(), f"{short}_fall_low": fall.min(), f"{short}_fall_high": fall.max()}
        last = own[own.d_step == own.d_step.max()]
        row["d_accuracy"] = last.d_accuracy.median()
        for name in ("loss_by_output", "output_by_logit"):  # geometric means, so that they multiply
            row[name] = np.exp(np.log(last[name].clip(lower=LEAST)).mean())
        exact = 1 + 1e-4  # norms are rounded
        for name, norm in (("bounded", own.sample_grad_norm), ("bounded_by_mean", own.logit_grad_norm)):
            row[name] = (own.g_grad_norm <= own.largest_slope * norm * exact).mean()
        rows.append(row)
    return pd.DataFrame(rows)


def _groups(table: pd.DataFrame, names: list[str]) -> list[tuple[tuple, pd.DataFrame]]:
    """(values, rows) of each combination, in the order of the table."""
    return [(tuple(np.atleast_1d(np.array(key, dtype=object))), own) for key, own in table.groupby(names, sort=False)]
