"""Experiments with the tiny pipeline, beside the workspace and in DVC's queue: what runs anew, and what is compared."""

import io
import json
import subprocess
import sys
import time

import pandas as pd
import pytest

from tests.images.imagesets import write_idx_folder
from tests.project import COMBINATIONS, RIVALS, TABLES_AND_FIGURES, TINY, Project, merged, ran_stages

FEW = {
    "data": {"name": "fashion_mnist", "path": "pictures", "validation": 20},
    "priors": ["vae"],
    "flows": ["vae"],
    "rivals": {"denoising": ["tv", "unet"], "inpainting": ["unet"]},
    "train": {"batch_size": 8},
    "judge": {"samples": 20},
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Project:
    """The tiny pipeline with one prior, few rivals and few images: an experiment runs its stages one by one."""
    folder = tmp_path_factory.mktemp("experiments") / "project"
    folder.mkdir()
    project = Project(folder, merged(TINY, FEW))
    write_idx_folder(folder / "pictures", 120, 20)
    project.run_and_commit()
    return project


def test_an_experiment_reruns_what_hangs_on_its_changes(ran):
    """Of two: another classifier, which judges, and another noise level, which leaves priors in inpainting alone."""
    output = ran.dvc("exp", "run", "--temp", "-S", "classify.epochs=2", "-S", "denoising.sigmas=[0.25]")
    name = output.split("Ran experiment(s): ")[1].split()[0]
    expected = {"check", "classify", "judge", "judge_modes"} | TABLES_AND_FIGURES
    expected |= {"observe@denoising", "train_unet", *(f"run_rivals@{task}" for task in RIVALS)}
    expected |= COMBINATIONS | {"run_prior@denoising-vae", "run_flow@denoising-vae"}
    assert ran_stages(output) == expected
    specification = json.loads(ran.dvc("plots", "diff", "--json", "HEAD", name))
    assert "errors" not in specification
    points = specification["data"]["denoising"][0]["content"]["data"]["values"]
    assert {(point["rev"], point["sigma"]) for point in points} == {("HEAD", "0"), ("HEAD", "0.3"), (name, "0.25")}


def test_a_queued_sweep_runs_each_of_its_values(ran):
    ran.dvc("exp", "run", "--queue", "-S", "measure.bootstrap=150,200", "measure")
    # The worker keeps what it is given as output open, so it gets none.
    start = [sys.executable, "-m", "dvc", "queue", "start"]
    subprocess.run(start, cwd=ran.folder, env=ran.environment, stdout=subprocess.DEVNULL, check=True, timeout=60)
    deadline = time.monotonic() + 120
    while (status := ran.dvc("queue", "status")).count("Success") < 2:
        assert "Failed" not in status and time.monotonic() < deadline, status
        time.sleep(1)
    shown = pd.read_csv(io.StringIO(ran.dvc("exp", "show", "--csv")))
    assert {150, 200} <= set(shown["measure.bootstrap"])
