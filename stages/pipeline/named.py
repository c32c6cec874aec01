"""Things that params.yaml calls by name, each a module of its own in a folder: what is in the folder can be named.

A GAN loss, a task, a rival, an image set and a figure are added by writing one file. Nothing else lists them, so no
other result depends on a list that has grown.
"""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from stages.pipeline.errors import UserError

ROOT = Path(__file__).parents[2]

LOSSES = "stages/priors/losses"  # each has LOSS
TASKS = "stages/restoration/tasks"  # each has TASK
RIVALS = "stages/restoration/rivals"  # each has RIVAL
SOURCES = "stages/images/sources"  # each has SOURCE
FIGURES = "stages/report/figures"  # each has draw()


def names(folder: str) -> list[str]:
    """The names of a folder's modules, sorted. A hyphen would make two of them: `<prior>-flow` is a name of its own."""
    return sorted(path.stem for path in (ROOT / folder).glob("[a-z]*.py") if path.stem.isidentifier())


def module(folder: str, name: str) -> ModuleType:
    """The module `name` of a folder. Raises UserError for a name that has none."""
    if name not in names(folder):
        raise UserError(f"{name}: {folder} has no {name}.py; it has {', '.join(names(folder))}")
    return importlib.import_module(f"{folder.replace('/', '.')}.{name}")


def thing(folder: str, name: str, kind: type[Any], attribute: str) -> Any:
    """The module's one thing, e.g. its TASK. Raises UserError if it is missing or of another kind."""
    found = getattr(module(folder, name), attribute, None)
    if not isinstance(found, kind):
        raise UserError(f"{folder}/{name}.py: {attribute} must be a {kind.__name__}")
    return found
