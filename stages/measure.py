"""Histories and restored images -> metrics/: tidy tables, and summary.json for `dvc metrics`."""

from pathlib import Path

import numpy as np
import pandas as pd

from stages.pipeline import artifacts
from stages.pipeline.artifacts import load_arrays, load_number, load_table, save_json, save_table
from stages.pipeline.command import run
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from stages.restoration.quality import METHODS, Interval, denoising_rows, inpainting_rows, inversion_rows
from stages.restoration.summary import summarise


def main() -> None:
    params = load_params()
    losses, interval = params.losses, Interval(params.measure.bootstrap, params.seed)

    histories = {loss: load_table(artifacts.MODELS / loss / "history.csv") for loss in losses}
    fidelity = load_table(artifacts.JUDGED)
    inverted = {
        loss: load_arrays(artifacts.INVERTED / f"{loss}.npz", ["source", "images", *METHODS]) for loss in losses
    }
    denoised = _load_paired(artifacts.DENOISED, losses, ["sigma"])
    inpainted = _load_paired(artifacts.INPAINTED, losses, ["holes", "mask"])

    # What was observed is the same for every loss and stands once, as a row of the loss `none`.
    observed = ("observed",)
    seen = inverted[losses[0]]["source"] != "generated"  # generated images are each generator's own
    real = {name: array[seen] for name, array in inverted[losses[0]].items()}
    inversion = inversion_rows("none", observed, real | {"observed": real["images"]}, interval)
    inversion += [row for loss in losses for row in inversion_rows(loss, METHODS, inverted[loss], interval)]
    denoising = denoising_rows("none", observed, denoised[losses[0]], interval)
    denoising += [row for loss in losses for row in denoising_rows(loss, METHODS, denoised[loss], interval)]
    inpainting = inpainting_rows("none", observed, inpainted[losses[0]], interval)
    inpainting += [row for loss in losses for row in inpainting_rows(loss, METHODS, inpainted[loss], interval)]

    tables = {
        "training": pd.concat([history.assign(loss=loss) for loss, history in histories.items()]),
        "fidelity": fidelity,
        "inversion": pd.DataFrame(inversion),
        "denoising": pd.DataFrame(denoising),
        "inpainting": pd.DataFrame(inpainting),
    }
    for name, table in tables.items():
        save_table(artifacts.METRICS / f"{name}.csv", table)
    accuracy = load_number(artifacts.CLASSIFIER.with_name("accuracy.json"), "test_accuracy")
    save_json(
        artifacts.METRICS / "summary.json", summarise(tables, losses) | {"classifier": {"test_accuracy": accuracy}}
    )


def _load_paired(folder: Path, losses: list[str], conditions: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """The restored images of every loss. Raises UserError unless all losses saw the same observations."""
    names = ["images", "labels", "observed", "observed_labels", *METHODS, *(f"{method}_labels" for method in METHODS)]
    restored = {loss: load_arrays(folder / f"{loss}.npz", names + conditions) for loss in losses}
    for loss in losses:
        for name in ("images", "labels", "observed", *conditions):
            if not np.array_equal(restored[loss][name], restored[losses[0]][name]):
                raise UserError(f"{folder}/{loss}.npz: {name} differ from those of {losses[0]}: run `dvc repro`")
    return restored


if __name__ == "__main__":
    run(main)
