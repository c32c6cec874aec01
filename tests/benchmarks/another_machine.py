"""How far numbers move from one processor to another: `python -m tests.benchmarks.another_machine REVISION`.

Run after `dvc repro` where REVISION's tables come from a study with the same parameters on another kind of processor,
which rounds differently. data/long_runs/another_machine.csv gets a row for each restorer that learns, task and
condition: PSNR here and there, of hidden pixels where there are any, of posterior means and of the U-Net.
"""

import argparse
import io
import subprocess

import numpy as np
import pandas as pd

from stages.pipeline import artifacts
from stages.pipeline.params import load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.restoration.restored import POSTERIOR_MEAN
from stages.restoration.task import load_grid

TABLE = artifacts.LONG_RUNS / "another_machine.csv"
KEY = ["prior", "latent", "method"]


def table_of(revision: str, name: str) -> pd.DataFrame:
    """A table of metrics/ as it was committed in `revision`."""
    committed = subprocess.run(["git", "show", f"{revision}:metrics/{name}.csv"], capture_output=True, check=True)
    return pd.read_csv(io.BytesIO(committed.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", help="a commit with the tables of the other machine")
    arguments, params = parser.parse_args(), load_params()
    rows: list[Row] = []
    for task in params.tasks:
        column = load_grid(task, params).task.condition
        here, there = pd.read_csv(artifacts.table(task)), table_of(arguments.revision, task)
        quality = "hole_psnr" if "hole_psnr" in here else "psnr"
        both = here.merge(there, on=[*KEY, column], suffixes=("", "_there"))
        both = both[both.method.isin([POSTERIOR_MEAN, "unet"]) & np.isfinite(both[quality])]
        for _, row in both.iterrows():
            own, other = float(row[quality]), float(row[f"{quality}_there"])
            key = {name: row[name] for name in KEY} | {"task": task, "condition": float(row[column])}
            rows.append(key | {"psnr": own, "psnr_there": other, "difference": own - other})
    publish({TABLE: table_writer(rows)})


if __name__ == "__main__":
    main()
