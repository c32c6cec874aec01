"""What is seen of images -> data/restored/<task>/rivals/: restored without a prior, and the settings chosen."""

import numpy as np

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.restoration.observed import load_observed
from stages.restoration.restored import Restored, restored_writer
from stages.restoration.rival import run_contests, settings_rows
from stages.restoration.task import load_task


def main() -> None:
    params = load_params()
    (task,) = choices(__doc__, task=params.tasks)
    rivals, train = params.rivals[task], load_split("train").images
    observed, tuning = load_task(task, params), load_observed(artifacts.tuning(task))
    # As many unknowns as the search of a prior has.
    outcomes = run_contests(rivals, train, params.train.latent_dim, tuning, observed)
    restored = {
        artifacts.restored_by_rival(task, rival): restored_writer(
            Restored({rival: np.concatenate([outcome.images for outcome in own])})
        )
        for rival, own in outcomes.items()
    }
    settings = artifacts.restored_by_rivals(task) / "settings.csv"
    publish(restored | {settings: table_writer(settings_rows(outcomes, observed.conditions))})
    say(f"run_rivals: {task}: {', '.join(rivals) or 'none'}")
