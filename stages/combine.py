"""What priors and rivals made of images -> data/combined/<task>/: put together, and with which weights.

<prior>.npz has a prior's posterior mean and all rivals, none.npz the rivals alone.
"""

from stages.pipeline import artifacts
from stages.pipeline.artifacts import COMBINED, NO_PRIOR
from stages.pipeline.command import choices, say
from stages.pipeline.params import load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.restoration.combination import combine
from stages.restoration.restored import (
    POSTERIOR_MEAN,
    Restored,
    load_by_prior,
    load_rivals,
    load_tuned,
    restored_writer,
)
from stages.restoration.task import load_task, load_tuning
from stages.restoration.weighed import WEIGHED


def main() -> None:
    params = load_params()
    (task,) = choices(__doc__, task=params.tasks)
    rivals, observed = params.rivals[task], load_task(task, params)
    validation = load_tuning(task, params).first(WEIGHED)
    by_rivals = load_rivals(task, rivals, observed).images
    writers, rows = {}, list[Row]()
    for prior in (*params.searched, *([NO_PRIOR] if rivals else [])):
        tuned = load_tuned(task, prior, rivals, validation)
        own = {} if prior == NO_PRIOR else {prior: load_by_prior(task, prior, observed).images[POSTERIOR_MEAN]}
        images, weights = combine(validation, tuned, observed, own | by_rivals)
        writers[artifacts.combined(task, prior)] = restored_writer(Restored({COMBINED: images}))
        rows += [
            {"prior": prior, "condition": condition, "restorer": name, "weight": weight}
            for condition, fitted in weights.items()
            for name, weight in zip(tuned, fitted, strict=True)
        ]
    publish(writers | {artifacts.COMBINATIONS / task / "weights.csv": table_writer(rows)})
    say(f"combine: {task}: {', '.join(rivals) or 'no rivals'}")
