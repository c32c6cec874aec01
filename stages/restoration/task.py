"""A task: one way in which images are seen badly, over a grid of conditions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.pipeline import named
from stages.pipeline.params import Params, checked
from stages.restoration.observation import Observation, stack


@dataclass(frozen=True)
class Task:
    """What is done to images. Its settings are the key of params.yaml that has the task's name."""

    condition: str  # the column of its table that tells conditions apart
    settings: type[Any]  # the schema of its key, a `Group` of pipeline/params.py
    conditions: Callable[[Any], Sequence[float]]  # settings -> the grid, rising from the mildest
    observe: Callable[[np.ndarray, Any, Any, int], Observation]  # images, settings, condition, seed
    check: Callable[[Any, int], None]  # settings, image size; raises UserError for what no such image can have
    tuning_images: int  # validation images on which rivals choose their settings


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
        self.task.check(self.settings, image_size)

    def observe(self, images: np.ndarray, seed: int) -> Observation:
        """All conditions one after the other, each of all images (N, C, S, S)."""
        return stack([self.task.observe(images, self.settings, condition, seed) for condition in self.conditions])


def load_grid(name: str, params: Params) -> Grid:
    """The task `name` with its settings. Raises UserError for settings that its schema refuses."""
    task = named.thing(named.TASKS, name, Task, "TASK")
    return Grid(name, task, checked(task.settings, params.grids[name], key=name))
