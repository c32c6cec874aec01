"""Whether intervals hold what they promise, and whether chains agree."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from stages.pipeline.artifacts import FLOW, prior_and_latent
from stages.report.study import Study
from stages.report.style import GREY, by_prior, colours, readable


def draw(study: Study) -> dict[str, Figure]:
    conditions = {task: study.observed(task).condition_name for task in study.params.tasks}
    return {"calibration": calibration_curves(study.table("calibration"), conditions)}


def calibration_curves(calibration: pd.DataFrame, conditions: dict[str, str]) -> Figure:
    """Coverage of the 50 % and 90 % intervals on ink, and the chains' split R-hat, against each task's condition.

    Priors with a flow have panels of their own.
    """
    palette = colours(calibration.prior)
    latents = calibration.prior.map(lambda name: prior_and_latent(name)[1])
    panels = [(task, latent) for task in calibration.task.unique() for latent in latents.unique()]
    width = (5 if len(panels) < 3 else 3.5) * len(panels)
    figure, axes = plt.subplots(2, len(panels), figsize=(width, 5.4), squeeze=False, layout="constrained")
    for (coverage, agreement), (task, latent) in zip(axes.T, panels, strict=True):
        for prior, rows in by_prior(calibration[(calibration.task == task) & (latents == latent)]):
            for nominal, dash in ((50, "--"), (90, "-")):
                name = f"coverage_{nominal}"
                coverage.plot(rows.condition, rows[name], dash, color=palette[prior], marker=".", label=readable(prior))
                low, high = rows[f"{name}_low"], rows[f"{name}_high"]
                coverage.fill_between(rows.condition, low, high, color=palette[prior], alpha=0.12, lw=0)
            agreement.plot(rows.condition, rows.r_hat, "-", color=palette[prior], marker=".", label=readable(prior))
        for level in (0.5, 0.9):
            coverage.axhline(level, color=GREY, linestyle=":")
        coverage.set_ylim(0, 1)
        coverage.set_title(f"{task}, {FLOW}" if latent == FLOW else task)
        agreement.axhline(1, color=GREY, linestyle=":")
        agreement.set_xlabel(conditions[task])
        agreement.set_xticks(sorted(calibration[calibration.task == task].condition.unique()))
        coverage.set_xticks(agreement.get_xticks())
    axes[0, 0].set_ylabel("share of ink inside the interval\nsolid: 90 %, dashed: 50 %")
    axes[1, 0].set_ylabel("split R-hat of the energy, median")
    least, most = (end(agreement.get_ylim()[place] for agreement in axes[1]) for place, end in enumerate((min, max)))
    for agreement in axes[1]:
        agreement.set_ylim(least, most)
    handles, labels = axes[1, 0].get_legend_handles_labels()  # colours are those of the priors, with a flow or without
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure
