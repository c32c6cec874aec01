"""A copy of the project in a folder of its own, with the parameters of a quick look."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from stages.pipeline.params import PARAMS_FILE, load_params

COPIED = ("dvc.yaml", "stages", ".dvcignore", "data/long_runs", "data/other_images")
CONFIG = "[core]\n    no_scm = true\n"
CHANGES: dict[str, Any] = {
    "priors": ["minimax", "non_saturating"],
    "flows": [],
    "images": 8,
    "train": {"epochs": 1},
    "classify": {"epochs": 1},
    "unet": {"steps": 100},
    "judge": {"samples": 1000},
    "denoising": {"sigmas": [0.0, 0.3, 1.0]},
    "norms": {"images": 2},
    "solvers": {"images": 2},
    "glow": {"steps": 25},
    "likelihood": {"images": 4, "simulated": 2, "validation": 4, "rounds": 1, "temperatures": 8},
    "saturate": {"seeds": 1, "at": [1, 10, 100]},
    "saturate_grid": {"seeds": 1, "generator_steps": 50},
    "modes": {"seeds": 1, "steps": 500},
}


def copy_project(folder: Path) -> None:
    """What a study is made of, anew, with the parameters of a quick look; an unfinished training there goes on."""
    data = Path(load_params().data.path).absolute()
    for name in COPIED:
        source, copy = Path(name), folder / name
        if source.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    (folder / ".dvc").mkdir(exist_ok=True)
    (folder / ".dvc" / "config").write_text(CONFIG)
    params = yaml.safe_load(PARAMS_FILE.read_text())
    for key, value in (CHANGES | {"data": {"path": str(data)}}).items():
        params[key] = params[key] | value if isinstance(value, dict) else value
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(params, sort_keys=False))
