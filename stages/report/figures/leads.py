"""How far each prior is ahead of the best restorer without a prior, image by image."""

import pandas as pd
from matplotlib.figure import Figure

from stages.pipeline.artifacts import COMBINED, NO_PRIOR, UNRESTORED
from stages.report.figures.losses import difference_curves
from stages.report.study import Study
from stages.report.style import colours
from stages.restoration.restored import POSTERIOR_MEAN

DEPTH = 3.5  # dB below the highest point of a panel; curves farther behind leave it, so that the others are told apart


def draw(study: Study) -> dict[str, Figure]:
    """One figure where any task has rivals, else none."""
    references, conditions = {}, {}
    for task in study.params.tasks:
        observed = study.observed(task)
        quality = "psnr" if observed.hidden is None else "hole_psnr"
        if rival := best_rival(study.task_table(task), quality):
            references[task], conditions[task] = rival, observed.condition_name
    if not references:
        return {}
    paired = study.table("paired")
    leads = paired[(paired.method == POSTERIOR_MEAN) & (paired.against == paired.task.map(references))]
    figure = difference_curves(leads, conditions, references, colours(study.params.searched))
    for panel, task in zip(figure.axes, conditions, strict=True):
        deepest = min(leads.difference[leads.task == task].max(), 0) - DEPTH  # the line at 0 is part of the panel
        panel.set_ylim(bottom=max(panel.get_ylim()[0], deepest))
    return {"leads": figure}


def best_rival(table: pd.DataFrame, quality: str) -> str | None:
    """The rival with the highest mean `quality` in a task's table; None without rivals."""
    rivals = table[(table.prior == NO_PRIOR) & ~table.method.isin([UNRESTORED, COMBINED]) & table[quality].notna()]
    return None if rivals.empty else str(rivals.groupby("method", sort=False)[quality].mean().idxmax())
