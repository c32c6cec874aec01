"""A copy of the project in a temporary folder, with tiny parameters, to run as a user would."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.warm_python import warm_python

ROOT = Path(__file__).parents[1]

TINY = {
    "images": 4,
    "data": {"name": "fashion_mnist", "path": "digits", "validation": 400},
    "priors": ["minimax", "non_saturating", "least_squares", "vae"],
    "flows": ["vae"],
    "classify": {"epochs": 1},
    "train": {"epochs": 2, "latent_dim": 8, "width": 4, "sample_epochs": [1, 2]},
    "flow": {"encoder_epochs": 1, "refine_steps": 2, "steps": 20, "couplings": 2, "width": 8},
    "glow": {"steps": 3, "batch_size": 8, "steps_per_level": 1, "width": 4},
    "unet": {"steps": 2, "batch_size": 8, "width": 16},
    "judge": {"samples": 200},
    "search": {
        "plain": {"steps": 3},
        "map": {"samples": 4, "restarts": 2, "explore_steps": 2, "whitened_steps": 2, "steps": 2},
        "posterior": {"steps": 6, "burn_in": 2},
    },
    "invert": {"patience": 1, "walks": [1, 1]},
    "denoising": {"sigmas": [0.0, 0.3]},
    "inpainting": {"holes": [1, 2]},
    "density": {"images": 4, "codes": 2},
    "likelihood": {
        "images": 2,
        "simulated": 2,
        "validation": 1,
        "rounds": 1,
        "chains": 1,
        "temperatures": 3,
        "leapfrogs": 1,
    },
    "norms": {"images": 2, "restarts": 1, "sigmas": [0.3], "holes": [1]},
    "solvers": {"images": 2, "adam_steps": [1, 2], "newton_steps": [1, 2], "restarts": [1, 2]},
    "modes": {
        "seeds": 1,
        "steps": 12,
        "discriminator_steps": 2,
        "generator_steps": 2,
        "batch_size": 8,
        "width": 8,
        "components": 4,
    }
    | {"inner_minimum_steps": 2},
    "saturate": {"seeds": 1, "at": [1, 2], "codes": 4, "batch_size": 8, "width": 4},
    "saturate_grid": {
        "discriminator_steps": [1],
        "batch_norm": [False],
        "seeds": 1,
        "generator_steps": 3,
        "batch_size": 8,
        "width": 4,
        "samples": 16,
    },
    "measure": {"bootstrap": 100},
}

COLD_PATH = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
QUICKLY = "tests.in_order_quickly"
QUICKEN = "from tests.in_order_quickly import quicken; quicken()"
LARGE = ("data/trained/", "metrics/", "plots/")  # left out of a copy
DIGITS = {"train": 2400, "t10k": 300}  # how many of MNIST's training and test images a copy has in `digits`

# Stage scripts in one process, which loads torch once, and the most memory that it had.
IN_ONE_PROCESS = """
import json, resource, sys
from stages.pipeline.command import run_stage
exec(sys.argv[2])
for words in json.loads(sys.argv[1]):
    sys.argv = ["stages", *words]
    run_stage()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""

PRIORS: list[str] = TINY["priors"]
RIVALS = {
    "denoising": ["nl_means", "tv", "wavelet", "bm3d", "pca_wiener", "unet"],
    "inpainting": ["mean_fill", "biharmonic", "telea", "navier_stokes", "pca_mean", "unet"],
}
TABLES_AND_FIGURES = {"label", "measure", "plot", "report"}
COMBINATIONS = {f"combine@{task}" for task in RIVALS}


def of_each_prior(*verbs: str) -> set[str]:
    return {f"{verb}{prior}" for verb in verbs for prior in PRIORS}


def ran_stages(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes` laid over it, group by group."""
    return base | {
        key: merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in changes.items()
    }


def write_digits(folder: Path) -> None:
    """The first few of MNIST's digits, in files of the same kind: 70,000 would take a stage seconds to read."""
    folder.mkdir()
    for part, count in DIGITS.items():
        for kind, header, entry in (("images-idx3", 16, 28 * 28), ("labels-idx1", 8, 1)):
            name = f"{part}-{kind}-ubyte.gz"
            with gzip.open(ROOT / "data" / "raw" / name) as file:
                content = bytearray(file.read(header + count * entry))
            content[4:8] = count.to_bytes(4, "big")
            (folder / name).write_bytes(gzip.compress(content, compresslevel=1, mtime=0))


class Project:
    """A copy of the project's files in a folder of its own, with git and DVC cut off from this machine's settings.

    Its `python` is a warm one (tests/warm_python.py); that of `cold_environment` is a new one, for tests of how
    processes end.
    """

    def __init__(self, folder: Path, changes: dict):
        self.folder = folder
        self.python = str(warm_python() / "python")
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith(LARGE):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        write_digits(folder / "digits")
        self.set_params(changes)
        away = str(folder.parent / "settings")
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "PYTEST_"))
        } | {
            "PATH": os.pathsep.join([str(Path(self.python).parent), COLD_PATH]),
            "DVC_NO_ANALYTICS": "1",
            "OMP_NUM_THREADS": "1",  # two tests run at a time: more threads than cores wait for each other
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

    @property
    def cold_environment(self) -> dict[str, str]:
        """The environment of commands whose `python` shall be a process of its own."""
        return self.environment | {"PATH": COLD_PATH}

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
        return self.call(self.python, "-m", "stages", name, *arguments)

    def stages(self, commands: Sequence[Sequence[str]], before: str = "") -> int:
        """Run stage scripts one after the other without DVC; the most memory that they had, in bytes.

        `before` is code that changes them first.
        """
        result = self.call(sys.executable, "-c", IN_ONE_PROCESS, json.dumps(commands), before)
        assert result.returncode == 0, result.stderr
        return int(result.stdout)

    def everything(self, module: str = QUICKLY) -> None:
        """Run all of dvc.yaml's stages, in one process."""
        result = self.call(self.python, "-m", module)
        assert result.returncode == 0, result.stderr

    def run_and_commit(self, module: str = QUICKLY) -> None:
        """The whole pipeline once, as `dvc repro` leaves it, in a repository of its own with all of it committed."""
        assert self.call("git", "init", "-q").returncode == 0
        self.commit("start")
        self.everything(module)
        self.dvc("commit", "--force")
        self.commit("results")

    def dvc(self, *arguments: str) -> str:
        """Run DVC and return what it printed; the test fails with DVC's words if it does."""
        result = self.call(self.python, "-m", "dvc", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def commit(self, message: str) -> None:
        for arguments in (["add", "-A"], ["commit", "-q", "-m", message]):
            result = self.call("git", *arguments)
            assert result.returncode == 0, result.stderr
