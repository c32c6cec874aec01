"""What is seen of images -> data/restored/<task>/rivals/: restored without a prior, and the settings chosen."""

import numpy as np

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.restoration.observed import load_observed
from stages.restoration.restored import Restored, save_restored
from stages.restoration.rival import run_contests


def main() -> None:
    params = load_params()
    (task,) = choices(__doc__, task=params.tasks)
    rivals = params.rivals.get(task, [])
    observed, tuning = load_observed(artifacts.observed(task)), load_observed(artifacts.tuning(task))
    train = load_split("train").images
    # As many unknowns as the search of a prior has.
    outcomes = run_contests(rivals, train, params.train.latent_dim, tuning, observed)
    save_restored(
        {
            artifacts.restored_by_rival(task, rival): Restored({rival: np.concatenate([each.images for each in own])})
            for rival, own in outcomes.items()
        }
    )
    settings = [
        {
            "rival": rival,
            "condition": condition,
            "settings": " ".join(f"{name}={value}" for name, value in outcome.settings.items()),
            "validation_psnr": outcome.score,
        }
        for rival, own in outcomes.items()
        for condition, outcome in zip(observed.conditions, own, strict=True)
    ]
    publish({artifacts.restored_by_rivals(task) / "settings.csv": table_writer(settings)})
    say(f"run_rivals: {task}: {', '.join(rivals)}")
