"""Which GAN loss makes the better prior: the differences between their posterior means, image by image."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from stages.pipeline.artifacts import prior_and_latent
from stages.report.study import Study
from stages.report.style import GREY, by_prior, colours, dash, readable
from stages.restoration.restored import POSTERIOR_MEAN


def draw(study: Study) -> dict[str, Figure]:
    """One figure where two losses or more are compared, else none."""
    training = study.table("training")
    gans = list(training.prior[training.d_loss.notna()].unique())  # priors with a discriminator
    if len(gans) < 2:
        return {}
    reference = study.params.usual_prior if study.params.usual_prior in gans else gans[0]
    differences = loss_differences(study.table("paired"), gans, reference)
    conditions = {task: study.observed(task).condition_name for task in study.params.tasks}
    references = dict.fromkeys(conditions, reference)
    return {"losses": difference_curves(differences, conditions, references, colours(study.params.searched))}


def loss_differences(paired: pd.DataFrame, gans: list[str], reference: str) -> pd.DataFrame:
    """PSNR of each loss less that of `reference`, both from N(0, I) or both from a flow: the columns of `paired`.

    `paired` has each pair once; where the reference comes first in it, the difference and its interval are turned.
    """
    loss, other = (paired[name].map(lambda name: prior_and_latent(name)[0]) for name in ("prior", "against"))
    latent, other_latent = (paired[name].map(lambda name: prior_and_latent(name)[1]) for name in ("prior", "against"))
    rows = paired[
        (paired.method == POSTERIOR_MEAN) & loss.isin(gans) & other.isin(gans) & (loss != other)
        & (latent == other_latent) & ((loss == reference) | (other == reference))
    ]  # fmt: skip
    turned = rows[rows.prior.map(lambda name: prior_and_latent(name)[0]) == reference]
    turned = turned.assign(
        prior=turned.against,
        against=turned.prior,
        difference=-turned.difference,
        difference_low=-turned.difference_high,
        difference_high=-turned.difference_low,
    )
    return pd.concat([turned, rows.drop(turned.index)])


def difference_curves(
    differences: pd.DataFrame, conditions: dict[str, str], references: dict[str, str], palette: dict[str, str]
) -> Figure:
    """The mean difference with its 95 % interval against the condition, a panel a task; solid with a flow.

    `conditions` and `references` say for each task what tells its conditions apart, and from what differences are.
    """
    figure, axes = plt.subplots(
        1, len(conditions), figsize=(5 * len(conditions), 3.8), squeeze=False, layout="constrained"
    )
    for panel, (task, condition) in zip(axes[0], conditions.items(), strict=True):
        own = differences[differences.task == task]
        for prior, rows in by_prior(own):
            rows = rows.sort_values("condition")
            panel.plot(
                rows.condition, rows.difference, dash(prior), color=palette[prior], marker=".", label=readable(prior)
            )
            low, high = rows.difference_low, rows.difference_high
            panel.fill_between(rows.condition, low, high, color=palette[prior], alpha=0.12, lw=0)
        panel.axhline(0, color=GREY, linestyle=":", label=readable(references[task]))
        panel.set_xticks(sorted(own.condition.unique()))
        panel.set_title(task)
        panel.set_xlabel(condition)
        panel.set_ylabel(f"PSNR less that of {readable(references[task])}, dB")
        panel.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)  # below: no curve is hidden
    return figure
