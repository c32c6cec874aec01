"""Inpainting: square windows of an image are missing, the rest is seen without noise."""

from stages.pipeline.params import Count, Counts, Group
from stages.restoration.observation import masked
from stages.restoration.task import Task
from stages.restoration.windows import check_windows, draw_windows


class Settings(Group):
    holes: Counts
    window: Count


TASK = Task(
    condition="holes",
    settings=Settings,
    conditions=lambda settings: settings.holes,
    observe=lambda images, settings, holes, seed: masked(images, draw_windows(images, holes, settings.window, seed)),
    check=lambda settings, size: check_windows("inpainting", settings.holes, settings.window, size),
    tuning_images=128,  # how well a window is filled differs much from image to image
)
