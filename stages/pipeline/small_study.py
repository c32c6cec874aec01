"""A copy of the project in a folder of its own, with the parameters of a quick look."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from stages.pipeline.params import PARAMS_FILE, load_params

COPIED = ("dvc.yaml", "stages", ".dvcignore", "data/long_runs", "data/other_images")
CONFIG = "[core]\n    no_scm = true\n"
CHOICES = {"priors", "sigmas", "holes", "discriminator_steps"}  # of these lists what the study has, or its first
CHANGES: dict[str, Any] = {  # numbers are at most these, other lists are these
    "priors": ["minimax", "non_saturating"],
    "flows": [],
    "images": 4,
    "train": {"epochs": 1},
    "classify": {"epochs": 1},
    "unet": {"steps": 30},
    "judge": {"samples": 1000},
    "search": {"map": {"samples": 256, "restarts": 3, "explore_steps": 10}, "posterior": {"steps": 50, "burn_in": 20}},
    "invert": {"patience": 1, "walks": [50, 100]},
    "denoising": {"sigmas": [0.0, 0.5]},
    "density": {"images": 100, "codes": 4},
    "norms": {"images": 2, "sigmas": [0.5], "holes": [2], "restarts": 3},
    "solvers": {"images": 2, "adam_steps": [20, 80], "newton_steps": [1, 4], "restarts": [1, 4]},
    "glow": {"steps": 8},
    "likelihood": {"images": 2, "simulated": 2, "validation": 2, "rounds": 1, "chains": 1, "temperatures": 6},
    "saturate": {"seeds": 1, "at": [1, 10, 100]},
    "saturate_grid": {"seeds": 1, "generator_steps": 50, "discriminator_steps": [3]},
    "modes": {"seeds": 1, "steps": 150},
}


def _smaller(own: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`own` parameters, group by group, with what CHANGES says of numbers and lists.

    Groups that the study does not have, as that of a task which it leaves out, are left out.
    """
    smaller = dict(own)
    for key, value in changes.items():
        if isinstance(value, dict):
            if key in own:
                smaller[key] = _smaller(own[key], value)
        elif key in CHOICES:
            chosen = [one for one in own[key] if one in value]
            # Of noise levels one at least is above 0.
            smaller[key] = chosen if any(chosen) else chosen + [one for one in own[key] if one][:1]
        else:
            smaller[key] = value if isinstance(value, list) else min(own[key], value)
    return smaller


def copy_project(folder: Path, validation: int) -> None:
    """What a study is made of, anew, with the parameters of a quick look; an unfinished training there goes on.

    `validation` images are set apart. Many of them leave few for training, so that an epoch is short.
    """
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
    changed = _smaller(params, CHANGES)
    changed["data"] |= {"path": str(data), "validation": validation}
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(changed, sort_keys=False))
