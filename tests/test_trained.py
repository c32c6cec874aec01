"""The DVC remote inside the repository has what a fresh clone needs to restore, and it is what dvc.lock names."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.priors.trained import IN_REPOSITORY
from tests.project import ROOT, Project

TRAINED = ROOT / "data" / "trained"
MOST = 16 * 2**20  # bytes, since git keeps every version
PUSHED = re.search(r"dvc push -r trained (.*?)```", (TRAINED / "README.md").read_text(), re.DOTALL)[1]
FILES = PUSHED.replace("\\\n", " ").split()


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Project:
    """The project as it is in git, with its lock, and nothing that DVC made."""
    folder = tmp_path_factory.mktemp("clone") / "project"
    folder.mkdir()
    project = Project(folder, {})
    for name in ("params.yaml", "dvc.lock"):
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(TRAINED, folder / "data" / "trained")
    subprocess.run(["git", "init", "-q"], cwd=folder, env=project.environment, check=True)
    return project


def test_a_clone_is_told_where_priors_come_from(clone):
    refused = clone.stage("restore", "missing.png")
    assert refused.returncode == 1
    assert "`dvc pull -q -r trained --allow-missing` brings it" in refused.stderr


def test_restore_knows_which_priors_are_in_the_repository():
    generators = {Path(name).stem for name in FILES if name.startswith("data/priors/")}
    assert generators == set(IN_REPOSITORY)


def test_a_clone_gets_what_it_needs_to_restore(clone):
    pulled = clone.call("dvc", "pull", "-q", "-r", "trained", "--allow-missing")
    assert pulled.returncode == 0, pulled.stderr
    assert all((clone.folder / name).exists() for name in FILES)
    pixels = np.zeros((28, 28), dtype=np.uint8)
    pixels[4:24, 12:16] = 255
    Image.fromarray(pixels).save(clone.folder / "digit.png")
    restored = clone.stage("restore", "digit.png", "--sigma", "0.3")
    assert restored.returncode == 0, restored.stderr
    assert (clone.folder / "restored" / "digit" / "overview.png").is_file()


def test_the_remote_is_small():
    assert sum(path.stat().st_size for path in TRAINED.rglob("*") if path.is_file()) <= MOST
