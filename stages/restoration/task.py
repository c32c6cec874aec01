"""A task: one way in which images are seen badly, over a grid of conditions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.pipeline import artifacts, named
from stages.pipeline.errors import UserError
from stages.pipeline.params import PARAMS_FILE, Params, checked
from stages.restoration.observation import Observation, stack
from stages.restoration.observed import Observed, condition_word, load_observed


@dataclass(frozen=True)
class Task:
    """What is done to images. Its settings are the key of params.yaml that has the task's name."""

    condition: str  # the column of its table that tells conditions apart
    settings: type[Any]  # the schema of its key, a `Group` of pipeline/params.py
    conditions: Callable[[Any], Sequence[float]]  # settings -> the grid, rising from the mildest
    observe: Callable[[np.ndarray, Any, Any, int], Observation]  # images, settings, condition, seed
    tuning_images: int  # validation images on which rivals choose their settings and combinations their weights
    check: Callable[[Any, int], None] | None = None  # settings, image size: UserError for what no such image can have


@dataclass(frozen=True)
class Grid:
    """A task with the settings of params.yaml."""

    name: str
    task: Task
    settings: Any

    @property
    def conditions(self) -> Sequence[float]:
        return self.task.conditions(self.settings)

    def check(self, image_size: int) -> None:
        """Raise UserError for settings that images of this size cannot have."""
        if self.task.check:
            self.task.check(self.settings, image_size)

    def observe(self, images: np.ndarray, labels: np.ndarray | None, seed: int) -> Observed:
        """The same images (N, C, S, S), float32, with labels (N,) if any, under each condition, one after the other.

        Raises UserError for a condition that hides pixels of some images and none of others: the former are judged by
        what was hidden.
        """
        seen = [self.task.observe(images, self.settings, condition, seed) for condition in self.conditions]
        for name, own in zip(self.names, seen, strict=True):
            hides = np.array([not mask.all() for mask in own.mask])
            if hides.any() and not hides.all():
                raise UserError(
                    f"{PARAMS_FILE}: {self.name}: {self.task.condition} = {name} hides no pixel of "
                    f"{(~hides).sum()} of {len(hides)} images: allowed is what hides some of each, or none of any"
                )
        return Observed(
            images=np.tile(images, (len(seen), 1, 1, 1)),
            labels=None if labels is None else np.tile(labels, len(seen)),
            observation=stack(seen),
            condition=np.repeat(self.names, len(images)),
            condition_name=self.task.condition,
        )

    @property
    def names(self) -> list[str]:
        """The conditions as words."""
        return [condition_word(condition) for condition in self.conditions]


def load_grid(name: str, params: Params) -> Grid:
    """The task `name` with its settings. Raises UserError for settings that its schema or its grid does not allow."""
    task = named.thing(named.TASKS, name, Task, "TASK")
    grid = Grid(name, task, checked(task.settings, params.grids[name], key=name))
    conditions = list(grid.conditions)
    if not conditions or conditions != sorted(set(conditions)):
        raise UserError(f"{PARAMS_FILE}: {name}: its grid is {conditions}: allowed are values that rise, at least one")
    return grid


def load_task(name: str, params: Params) -> Observed:
    """What is seen of the test images in a task.

    Raises UserError for a file that is missing or damaged, or was observed under other conditions than params.yaml has.
    """
    return _load(artifacts.observed(name), load_grid(name, params))


def load_tuning(name: str, params: Params) -> Observed:
    """What is seen of the validation images in a task. Raises UserError for the same reasons."""
    return _load(artifacts.tuning(name), load_grid(name, params))


def _load(path: Path, grid: Grid) -> Observed:
    observed = load_observed(path)
    found = (observed.condition_name, observed.conditions)
    if found != (grid.task.condition, grid.names):
        raise UserError(f"{path}: images under {found}: params.yaml asks for {grid.names}: run `dvc repro`")
    return observed
