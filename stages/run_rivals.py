"""What is seen of images -> data/restored/<task>/rivals/: restored without a prior, and the settings chosen.

The same of the first validation images -> data/tuned/<task>/rivals/.
"""

from pathlib import Path

import numpy as np

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.params import load_params
from stages.pipeline.storage import Writer, publish, table_writer
from stages.restoration.restored import Restored, restored_writer
from stages.restoration.rival import run_contests, settings_rows
from stages.restoration.task import load_task, load_tuning


def main() -> None:
    params = load_params()
    (task,) = choices(__doc__, task=params.tasks)
    rivals, train = params.rivals[task], load_split("train", params.data).images
    observed, tuning = load_task(task, params), load_tuning(task, params)
    # As many unknowns as the search of a prior has.
    outcomes = run_contests(rivals, train, params.train.latent_dim, tuning, observed)
    restored: dict[Path, Writer] = {}
    for rival, own in outcomes.items():
        images, tuned = ([getattr(outcome, name) for outcome in own] for name in ("images", "tuned"))
        restored[artifacts.restored_by_rival(task, rival)] = _writer(rival, images)
        restored[artifacts.tuned_by_rivals(task) / f"{rival}.npz"] = _writer(rival, tuned)
    settings = artifacts.restored_by_rivals(task) / "settings.csv"
    publish(restored | {settings: table_writer(settings_rows(outcomes, observed.conditions))})
    artifacts.tuned_by_rivals(task).mkdir(parents=True, exist_ok=True)  # DVC misses it where there are no rivals
    say(f"run_rivals: {task}: {', '.join(rivals) or 'none'}")


def _writer(rival: str, images: list[np.ndarray]) -> Writer:
    return restored_writer(Restored({rival: np.concatenate(images)}))
