"""Test images -> data/observed/<task>.npz: what every restorer gets to see; the same of validation images."""

from stages.images.picking import pick_images
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.numerics.streams import stream_seed
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.restoration.observed import observed_writer
from stages.restoration.task import load_grid

TUNING = 2  # times the restored images: a quick look, which restores few, tunes on few


def main() -> None:
    params = load_params()
    (name,) = choices(__doc__, task=params.tasks)
    grid, seed = load_grid(name, params), params.seed
    tuning = min(grid.task.tuning_images, TUNING * params.images, params.data.validation)
    tuning_seed = stream_seed(seed, "tuning")  # noise and windows of its own, too
    observed = grid.observe(*pick_images("test", params.images, params), seed)
    tuned_on = grid.observe(*pick_images("validation", tuning, params), tuning_seed)
    publish({artifacts.observed(name): observed_writer(observed), artifacts.tuning(name): observed_writer(tuned_on)})
    say(f"observe: {name}: {params.images} test and {tuning} validation images under each of {len(grid.names)}")
