"""Denoising: everything is seen, under Gaussian noise of several strengths."""

from typing import Annotated

from pydantic import AfterValidator

from stages.pipeline.params import Group, Sigmas
from stages.restoration.observation import noisy
from stages.restoration.task import Task


def _some_noise(values: list[float]) -> list[float]:
    if not any(values):
        raise ValueError("one of them above 0")
    return values


class Settings(Group):
    sigmas: Annotated[Sigmas, AfterValidator(_some_noise)]


TASK = Task(
    condition="sigma",
    settings=Settings,
    conditions=lambda settings: settings.sigmas,
    observe=lambda images, _settings, sigma, seed: noisy(images, sigma, seed),
    tuning_images=16,  # enough to choose settings, since every pixel counts
)
