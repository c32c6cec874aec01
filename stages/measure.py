"""Histories and restored images -> metrics/: tidy tables, and summary.json for `dvc metrics`."""

from pathlib import Path

import numpy as np
import pandas as pd

from stages.pipeline import artifacts
from stages.pipeline.artifacts import load_arrays, load_number, load_table, save_json, save_table
from stages.pipeline.command import run
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from stages.restoration.names import DENOISERS, INPAINTERS, INVERSIONS, METHODS
from stages.restoration.quality import (
    Interval,
    calibration_rows,
    denoising_rows,
    inpainting_rows,
    inversion_rows,
    norm_rows,
    paired_rows,
)
from stages.restoration.reconstruction import feature_rows, noise_rows, spectra_rows, trait_rows, transfer_rows
from stages.restoration.summary import summarise

Arrays = dict[str, np.ndarray]


def main() -> None:
    params = load_params()
    losses, interval = params.losses, Interval(params.measure.bootstrap, params.seed)

    histories = {loss: load_table(artifacts.MODELS / loss / "history.csv") for loss in losses}
    inverted = {loss: load_arrays(artifacts.INVERTED / f"{loss}.npz", ["labels", *INVERSIONS]) for loss in losses}
    denoised, denoised_without = _load_paired(artifacts.DENOISED, losses, ["sigma"], DENOISERS)
    inpainted, inpainted_without = _load_paired(artifacts.INPAINTED, losses, ["holes", "mask"], INPAINTERS)

    # What was observed is the same for every loss and stands once, as a row of the loss `none`; so do the baselines.
    seen = inverted[losses[0]]["source"] != "generated"  # generated images are each generator's own
    real = {name: array[seen] for name, array in inverted[losses[0]].items()}
    inversion = inversion_rows("none", ("observed",), real | {"observed": real["images"]}, interval)
    denoising = denoising_rows("none", ("observed", *DENOISERS), denoised_without, interval)
    inpainting = inpainting_rows("none", ("observed", *INPAINTERS), inpainted_without, interval)
    names = ("paired", "calibration", "spectra", "transfer", "noise", "features", "traits")
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in names}
    for loss in losses:
        inversion += inversion_rows(loss, INVERSIONS, inverted[loss], interval)
        denoising += denoising_rows(loss, METHODS, denoised[loss], interval)
        inpainting += inpainting_rows(loss, METHODS, inpainted[loss], interval)
        for task, condition, restored, without, baselines in (
            ("denoising", "sigma", denoised[loss], denoised_without, DENOISERS),
            ("inpainting", "holes", inpainted[loss], inpainted_without, INPAINTERS),
        ):
            rows["paired"] += paired_rows(task, loss, condition, restored, without, baselines, interval)
            rows["calibration"] += calibration_rows(task, loss, condition, restored, interval)
        rows["spectra"] += spectra_rows(loss, INVERSIONS, inverted[loss])
        rows["features"] += feature_rows(loss, INVERSIONS, inverted[loss], interval)
        rows["traits"] += trait_rows(loss, INVERSIONS, inverted[loss])
        rows["transfer"] += transfer_rows(loss, ("plain", "map"), denoised[loss])
        rows["noise"] += noise_rows(loss, ("plain", "map"), denoised[loss])

    tables = {
        "training": pd.concat([history.assign(loss=loss) for loss, history in histories.items()]),
        "fidelity": load_table(artifacts.JUDGED),
        "inversion": pd.DataFrame(inversion),
        "denoising": pd.DataFrame(denoising),
        "inpainting": pd.DataFrame(inpainting),
        "norms": pd.DataFrame(norm_rows(load_arrays(artifacts.NORMS, ["corruption", "images", "mask"]), interval)),
    } | {name: pd.DataFrame(some) for name, some in rows.items()}
    for name, table in tables.items():
        save_table(artifacts.METRICS / f"{name}.csv", table)
    accuracy = load_number(artifacts.CLASSIFIER.with_name("accuracy.json"), "test_accuracy")
    save_json(
        artifacts.METRICS / "summary.json", summarise(tables, losses) | {"classifier": {"test_accuracy": accuracy}}
    )


def _load_paired(
    folder: Path, losses: list[str], conditions: list[str], baselines: tuple[str, ...]
) -> tuple[dict[str, Arrays], Arrays]:
    """The restored images of every loss and of the baselines. Raises UserError unless all saw the same observations."""
    common = ["images", "labels", "observed", "observed_labels", *conditions]
    restored = {
        loss: load_arrays(folder / f"{loss}.npz", [*common, *METHODS, *(f"{method}_labels" for method in METHODS)])
        for loss in losses
    }
    without = load_arrays(artifacts.BASELINES / f"{folder.name}.npz", [*common, *baselines])
    for loss in losses:
        for name in common:
            if not np.array_equal(restored[loss][name], without[name]):
                raise UserError(f"{folder}/{loss}.npz: {name} differ from those of the baselines: run `dvc repro`")
    return restored, without


if __name__ == "__main__":
    run(main)
