"""What tests share: tiny networks, tiny parameters, and a copy of the project in a temporary folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from stages.gan.networks import Generator, initialise, recompute_batch_norm
from stages.pipeline.compute import Compute
from stages.pipeline.params import Search

ROOT = Path(__file__).parents[1]

TINY = {
    "prepare": {"validation": 58000},
    "classify": {"epochs": 1},
    "train": {"epochs": 2, "latent_dim": 8, "width": 4, "sample_epochs": [1, 2]},
    "judge": {"samples": 200},
    "search": {"map": {"restarts": 2, "explore_steps": 2, "steps": 4}},
    "invert": {"images": 6, "plain_steps": 3},
    "denoise": {"images": 4, "sigmas": [0.0, 0.3], "plain_steps": 3},
    "inpaint": {"images": 4, "holes": [1, 2], "plain_steps": 3},
    "measure": {"bootstrap": 100},
}


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes` laid over it, group by group."""
    return base | {
        key: merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in changes.items()
    }


@pytest.fixture
def exact() -> Compute:
    """The CPU in float32: no rounding but the last bits."""
    return Compute(torch.device("cpu"), bfloat16=False, search_batch=8)


@pytest.fixture
def tiny_generator() -> Generator:
    """A frozen, untrained generator with large weights, so that its images differ visibly from code to code."""
    generator = Generator(latent_dim=4, width=8, channels=1, image_size=28)
    stream = torch.Generator().manual_seed(1)
    initialise(generator, stream)
    recompute_batch_norm(generator, torch.randn(512, 4, generator=stream), batch_size=128)
    with torch.no_grad():
        generator.layers[-1].weight *= 10
    return generator.requires_grad_(False)


@pytest.fixture
def search_settings() -> Search:
    """Search parameters for a tiny generator."""
    return Search(
        plain={"learning_rate": 0.1},
        map={"learning_rate": 0.1, "restarts": 2, "explore_steps": 20, "steps": 300, "ramp_down": 0.3},
    )


class Project:
    """A copy of the project's files in a folder of its own, with git and DVC cut off from this machine's settings."""

    def __init__(self, folder: Path, changes: dict):
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith(("metrics/", "plots/")):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self.set_params(changes)
        away = str(folder.parent / "settings")
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "PYTEST_"))
        } | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DVC_NO_ANALYTICS": "1",
            "DVC_GLOBAL_CONFIG_DIR": away,
            "DVC_SYSTEM_CONFIG_DIR": away,
            "DVC_SITE_CACHE_DIR": away,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_AUTHOR_NAME": "tests",
            "GIT_AUTHOR_EMAIL": "tests@example.org",
            "GIT_COMMITTER_NAME": "tests",
            "GIT_COMMITTER_EMAIL": "tests@example.org",
        }

    def set_params(self, changes: dict) -> None:
        path = self.folder / "params.yaml"
        path.write_text(yaml.safe_dump(merged(yaml.safe_load(path.read_text()), changes), sort_keys=False))

    def call(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def stage(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        """Run a stage script without DVC."""
        return self.call(sys.executable, "-m", f"stages.{name}", *arguments)

    def dvc(self, *arguments: str) -> str:
        """Run DVC and return what it printed; the test fails with DVC's words if it does."""
        result = self.call(sys.executable, "-m", "dvc", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def start_git(self) -> None:
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "start"]):
            result = self.call("git", *command)
            assert result.returncode == 0, result.stderr


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """The project with tiny parameters, not run yet."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    folder.mkdir()
    return Project(folder, TINY)
