"""Arrays and folders of pictures, from their files to the figures; and an array far larger than memory.

IDX files run to the end in tests/test_pipeline.py and tests/test_experiments.py.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.drawn import is_drawn
from tests.images.imagesets import drawn, write_array, write_pictures
from tests.project import TINY, Project, merged

SMALL = {
    "data": {"path": "pictures", "validation": 20, "test": 20},
    "priors": ["non_saturating"],
    "flows": [],
    "rivals": {"denoising": ["pca_wiener"], "inpainting": ["telea", "pca_mean"]},
    "train": {"batch_size": 8},
    "judge": {"samples": 20},
    "saturate_grid": {"samples": 24},  # more than there are test images to compare them with
}
TASKS = ("denoising", "inpainting")
RESTORE = [  # one task is enough to see how much memory the search takes
    "observe_whole",
    *(f"observe --task {task}" for task in TASKS),
    *(f"run_rivals --task {task}" for task in TASKS),
    "invert --prior non_saturating",
    "run_prior --task denoising --prior non_saturating",
    "combine --task denoising",
]
# The codes take most of an epoch's time there and little of its memory.
FEWER_CODES = "import stages.priors.training; stages.priors.training.BATCH_NORM_CODES = 2000"
UP_TO_TRAINING = ["check", "prepare", "classify", "train --prior non_saturating"]


def grey_array(folder: Path) -> dict:
    write_array(folder / "pictures.npy", drawn(140, 32, 1)[..., 0])
    return {"name": "array", "path": "pictures.npy", "split": "in_order"}


def coloured_array(folder: Path) -> dict:
    write_array(folder / "pictures.npy", drawn(140, 64, 3))
    return {"name": "array", "path": str(folder / "pictures.npy"), "size": 64}


def folder_of_classes(folder: Path) -> dict:
    write_pictures(folder / "pictures", 140, classes=3)
    return {"name": "folder", "size": 28}


SETS = {build.__name__: build for build in (grey_array, coloured_array, folder_of_classes)}


@pytest.fixture(scope="module", params=SETS)
def studied(request, tmp_path_factory) -> tuple[str, Project]:
    folder = tmp_path_factory.mktemp(request.param) / "project"
    folder.mkdir()
    project = Project(folder, merged(TINY, SMALL))
    build = SETS[request.param]
    project.set_params({"data": build(folder)})
    assert project.call("git", "init", "-q").returncode == 0  # where DVC is told to look for one
    project.everything()
    return request.param, project


def test_every_set_runs_to_its_tables_and_figures(studied):
    name, project = studied
    tables = {path.stem: pd.read_csv(path) for path in (project.folder / "metrics").glob("*.csv")}
    for task in TASKS:
        table = tables[task]
        methods = {"plain", "map", "posterior_mean", "combined", "observed"}
        assert methods <= set(table.method) and set(table.n) == {4}
    figures = {path.stem for path in (project.folder / "plots/figures").glob("*.png")}
    assert {"samples", "inversion", "denoising", "inpainting", "completions", "norms", "features"} <= figures
    for figure in figures:
        assert is_drawn(project.folder / "plots/figures" / f"{figure}.png"), (name, figure)


def test_labels_are_in_tables_where_the_set_has_classes(studied):
    name, project = studied
    labelled = name == "folder_of_classes"
    tables = {path.stem: pd.read_csv(path) for path in (project.folder / "metrics").glob("*.csv")}
    for table in ("denoising", "inpainting", "inversion"):
        assert ("label_accuracy" in tables[table]) == labelled, table
    assert ("class_entropy" in tables["fidelity"]) == labelled
    assert ("class" in set(tables["features"].feature)) == labelled
    assert ("images" in set(tables["modes"].data)) == labelled


def test_a_picture_of_ones_own_is_restored_in_the_colours_of_the_set(studied):
    name, project = studied
    Image.fromarray(drawn(1, 80, 3, seed=9)[0]).save(project.folder / "own.png")
    result = project.stage("restore", "own.png", "--sigma", "0.2")
    assert result.returncode == 0, result.stderr
    size, mode = {"coloured_array": (64, "RGB"), "folder_of_classes": (28, "RGB")}.get(name, (None, "L"))
    with Image.open(project.folder / "restored" / "own" / "restored.png") as restored:
        assert restored.mode == mode and (size is None or restored.size == (size, size))


def test_an_array_outside_the_project_runs_by_dvc(tmp_path):
    """DVC finds the array by `data.path` of params.yaml, and runs everything anew for other images in it."""
    (tmp_path / "project").mkdir()
    stored = write_array(tmp_path / "faces.npy", drawn(80, 28, 3))
    project = Project(tmp_path / "project", merged(TINY, SMALL))
    project.set_params({"data": {"name": "array", "path": str(stored)}})
    assert project.call("git", "init", "-q").returncode == 0
    project.commit("start")
    project.dvc("repro", "prepare")
    assert not (project.folder / "data" / "prepared" / "images.npy").exists()
    assert "faces.npy" not in project.dvc("status", "prepare")
    write_array(stored, drawn(80, 28, 3, seed=1))
    assert "Running stage 'prepare'" in project.dvc("repro", "prepare")


def test_an_array_larger_than_memory(tmp_path):
    """As many images as CelebA has, 2.5 GB, in a file of holes: prepared, trained on, restored from, under 2 GB."""
    (tmp_path / "project").mkdir()
    celeba = np.lib.format.open_memmap(tmp_path / "celeba.npy", "w+", np.uint8, (200_000, 64, 64, 3))
    celeba[::1000] = drawn(200, 64, 3)
    celeba.flush()
    del celeba
    project = Project(tmp_path / "project", merged(TINY, SMALL))
    default = {"latent_dim": 100, "width": 64, "batch_size": 64, "epochs": 1, "sample_epochs": []}
    counts = {"name": "array", "path": str(tmp_path / "celeba.npy"), "validation": 180_600, "test": 19_000}
    few = {"denoising": {"sigmas": [0.3]}, "inpainting": {"holes": [1]}, "search": {"map": {"restarts": 3}}}
    project.set_params({"data": counts, "train": default} | few)
    before = {path.name for path in tmp_path.iterdir()}
    for names in (UP_TO_TRAINING, RESTORE):  # DVC starts a process for each stage; here it is one for some of them
        assert project.stages([name.split() for name in names], FEWER_CODES) < 2e9
    prepared = sum(path.stat().st_size for path in (project.folder / "data" / "prepared").iterdir())
    assert prepared < 2e6 and {path.name for path in tmp_path.iterdir()} == before
