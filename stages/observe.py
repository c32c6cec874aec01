"""Test images -> data/observed/<task>.npz: what every restorer gets to see; the same of validation images."""

from stages.images.picking import pick_images
from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.numerics.streams import stream_seed
from stages.pipeline.params import load_params
from stages.restoration.observed import repeat_over, save_observed
from stages.restoration.task import load_grid


def main() -> None:
    params = load_params()
    (name,) = choices(__doc__, task=params.tasks)
    grid, seed = load_grid(name, params), params.seed

    # A quick look, which restores few images, tunes on few.
    tuning = min(grid.task.tuning_images, 2 * params.images, len(load_split("validation").images))
    tuning_seed = stream_seed(seed, "tuning")  # noise and windows of its own, too
    picked = {
        artifacts.observed(name): (pick_images("test", params.images, seed), seed),
        artifacts.tuning(name): (pick_images("validation", tuning, seed), tuning_seed),
    }
    save_observed(
        {
            path: repeat_over(*images, grid.observe(images[0], own), list(grid.conditions), grid.task.condition)
            for path, (images, own) in picked.items()
        }
    )
    say(f"observe: {name}: {params.images} test and {tuning} validation images under each of {len(grid.conditions)}")
