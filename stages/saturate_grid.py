"""Training images -> data/saturation_grid/: many small GANs, by loss, steps and optimiser, each over several seeds."""

from stages.images.splits import load_split
from stages.pipeline.artifacts import SATURATION_GRID
from stages.pipeline.command import no_arguments, say
from stages.pipeline.params import load_params
from stages.pipeline.storage import array_writer, publish, table_writer
from stages.pipeline.threads import map_in_threads
from stages.priors.saturated import run_name
from stages.priors.small_gans import Run, cells, train_small

SHOWN = 16  # samples of each cell's first run in the figure


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    settings, images = params.saturate_grid, load_split("train", params.data).images
    runs = [
        Run(cell, number, images, settings, params.train, params.seed)
        for cell in cells(settings)
        for number in range(settings.seeds)
    ]
    say(f"saturate_grid: {len(runs)} small GANs of {settings.generator_steps} generator steps each")
    outcomes = map_in_threads(train_small, runs)
    histories = [run.words() | row for run, own in zip(runs, outcomes, strict=True) for row in own.history]
    samples = {run_name(run.words()): own.samples for run, own in zip(runs, outcomes, strict=True)}
    shown = {run_name(run.words()): samples[run_name(run.words())][:SHOWN] for run in runs if run.number == 0}
    publish(
        {
            SATURATION_GRID / "histories.csv": table_writer(histories),
            SATURATION_GRID / "samples.npz": array_writer(samples),
            SATURATION_GRID / "shown.npz": array_writer(shown),
        }
    )
