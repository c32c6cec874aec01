"""The quick look: a small study in a folder of its own, which leaves the workspace as it is."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from stages import look
from stages.images.counts import check_counts
from stages.images.source import load_source
from stages.pipeline.errors import UserError
from stages.pipeline.params import PARAMS_FILE, load_params
from stages.pipeline.small_study import CHANGES, copy_project
from stages.restoration.task import load_grid
from stages.restoration.windows import check_windows
from tests.project import Project, merged


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, {})
    assert project.call("git", "init", "-q").returncode == 0
    project.commit("start")
    monkeypatch.chdir(folder)
    return project


def test_the_copy_is_a_study_of_its_own_and_the_workspace_stays(workspace):
    copy_project(look.LOOK, look.validation_images())
    assert workspace.call("git", "status", "--porcelain").stdout == ""
    params, small = load_params(), load_params(look.LOOK / "params.yaml")
    assert small.data.validation == 25000  # so that 35,000 of MNIST's images are left
    assert small.train.epochs == 1 and small.images == 4 and small.train.width == params.train.width
    assert small.grids["inpainting"] == params.grids["inpainting"]
    changed = {key for key, value in vars(small).items() if value != getattr(params, key)}
    assert changed == {*CHANGES, "data", "grids"} - {"denoising"}

    command = [sys.executable, "-m", "dvc", "stage", "list", "--name-only"]
    listed = subprocess.run(command, cwd=look.LOOK, env=workspace.environment, capture_output=True, text=True)
    assert listed.returncode == 0, listed.stderr
    stages = listed.stdout.split()
    assert {"train@minimax", "train@non_saturating", "plot"} <= set(stages) and "train@vae" not in stages


@pytest.mark.parametrize(
    "change",
    [
        {"search": {"posterior": {"steps": 150, "burn_in": 60}}},
        {"norms": {"restarts": 300, "holes": [1], "window": 16}},
        {"priors": ["least_squares", "vae"], "flows": ["vae"], "denoising": {"sigmas": [0.25]}},
        {"denoising": {"sigmas": [0.0, 0.25]}},
    ],
)
def test_a_look_at_other_valid_parameters_is_valid(workspace, change):
    PARAMS_FILE.write_text(yaml.safe_dump(merged(yaml.safe_load(PARAMS_FILE.read_text()), change)))
    load_params()
    copy_project(look.LOOK, look.validation_images())
    small = load_params(look.LOOK / "params.yaml")
    assert set(small.priors) <= set(load_params().priors) and small.flows == []
    assert set(small.grids["denoising"]["sigmas"]) <= set(load_params().grids["denoising"]["sigmas"])
    assert all(load_grid(task, small).conditions for task in small.tasks)
    check_windows("norms", small.norms.holes, small.norms.window, 28)


def test_a_look_asks_for_no_more_than_the_study_does(workspace):
    images = np.zeros((400, 28, 28), dtype=np.uint8)
    np.save(workspace.folder / "images.npy", images)
    params = yaml.safe_load(PARAMS_FILE.read_text())
    own = {"name": "array", "path": str(workspace.folder / "images.npy"), "validation": 60, "test": 60}
    params |= {"tasks": ["inpainting"], "judge": {"samples": 200}, "images": 3, "data": params["data"] | own}
    params["density"]["images"], params["solvers"]["images"] = 50, 12
    del params["denoising"]
    PARAMS_FILE.write_text(yaml.safe_dump(params))
    copy_project(look.LOOK, look.validation_images())
    small = load_params(look.LOOK / "params.yaml")
    assert (small.data.validation, small.judge.samples, small.images, small.density.images) == (60, 200, 3, 50)
    assert check_counts(small, load_source("array").header(small.data)) == (280, 60, 60)


def test_a_second_look_takes_the_code_and_keeps_what_is_unfinished(workspace):
    copy_project(look.LOOK, look.validation_images())
    kept, gone = look.LOOK / ".work" / "checkpoint", look.LOOK / "stages" / "gone.py"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("unfinished")
    gone.write_text("")
    copy_project(look.LOOK, look.validation_images())
    assert kept.read_text() == "unfinished" and not gone.exists()


@pytest.mark.parametrize("status", [0, 1])
def test_it_says_where_to_look_or_that_it_failed(workspace, monkeypatch, capsys, status):
    ran = []

    def run(command: list[str], **options) -> SimpleNamespace:
        ran.append((command, options))
        return SimpleNamespace(returncode=status)

    monkeypatch.setattr(sys, "argv", ["look"])
    monkeypatch.setattr(look.subprocess, "run", run)
    if status:
        with pytest.raises(UserError, match="look: the small study has failed"):
            look.main()
    else:
        look.main()
        assert "look/plots/report.html" in capsys.readouterr().err
    ((command, options),) = ran
    assert command == [sys.executable, "-m", "stages.pipeline.in_order"]
    assert options["cwd"] == look.LOOK
    assert yaml.safe_load((look.LOOK / "params.yaml").read_text())["data"]["path"] == os.path.abspath("data/raw")
