"""How well restorers did, and who is ahead of whom: what sentences of the report decide on."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from stages.pipeline import named
from stages.pipeline.artifacts import FLOW, NO_PRIOR, UNRESTORED, prior_and_latent, with_flow
from stages.pipeline.errors import UserError
from stages.pipeline.params import Params
from stages.report.page.results import Row, rows, table_path
from stages.restoration.restored import MAP, POSTERIOR_MEAN
from stages.restoration.task import Task

LEARNED = ("unet",)  # rivals that are trained for the very task


@dataclass(frozen=True)
class Standing:
    """How well one restorer does in a task, over all conditions in which there is something to restore."""

    name: str  # of a prior, `artifacts.with_flow`'s with a flow, or of a rival
    quality: float  # mean of the conditions' PSNR, dB


@dataclass(frozen=True)
class Lead:
    """By how much one restorer is ahead of another, image by image, over a task's conditions."""

    differences: Sequence[float]  # dB, one a condition
    ahead: int  # conditions in which the 95 % interval of the difference lies above 0
    behind: int  # below 0

    @property
    def conditions(self) -> int:
        return len(self.differences)

    @property
    def level(self) -> int:
        """Conditions in which the interval holds 0."""
        return self.conditions - self.ahead - self.behind

    @property
    def mean(self) -> float:
        return sum(self.differences) / self.conditions

    @property
    def verdict(self) -> str:
        """`mixed` where it is ahead in some conditions and behind in others; else what most conditions say.

        That is `ahead`, `behind` or `level`; `level` too where none has most.
        """
        if self.ahead and self.behind:
            return "mixed"
        counts = {"ahead": self.ahead, "behind": self.behind, "level": self.level}
        most = [name for name, count in counts.items() if count == max(counts.values())]
        return most[0] if len(most) == 1 else "level"


def quality_column(task: str) -> str:
    """The column by which a task is judged: of hidden pixels alone where there are any."""
    return "hole_psnr" if hasattr(rows(task)[0], "hole_psnr") else "psnr"


@functools.cache
def condition_column(task: str) -> str:
    """The column that tells a task's conditions apart."""
    found: Task = named.thing(named.TASKS, task, Task, "TASK")
    return found.condition


def conditions(task: str) -> list[float]:
    """The conditions in which there is something to restore: not a noise of 0."""
    column = condition_column(task)
    unrestored = rows(task, method=UNRESTORED)
    found = [getattr(row, column) for row in unrestored if getattr(row, quality_column(task)) is not None]
    return [int(value) if value == int(value) else value for value in found]


def spread(values: Sequence[float], most: int) -> list[float]:
    """At most so many of the values, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(place * (len(values) - 1) / (most - 1))] for place in range(most)]


def priors_by_quality(task: str, params: Params, among: Sequence[str] | None = None) -> list[Standing]:
    """Priors, with a flow and without, by their posterior mean's quality, the best first."""
    names = params.searched if among is None else list(among)
    return ranked([Standing(name, _mean(task, name, POSTERIOR_MEAN)) for name in names])


def rivals_by_quality(task: str, params: Params, learned: bool | None = None) -> list[Standing]:
    """Rivals, the best first: all, or those alone that are trained for the task, or that are not."""
    names = [name for name in params.rivals[task] if learned is None or (name in LEARNED) == learned]
    return ranked([Standing(name, _mean(task, NO_PRIOR, name)) for name in names])


def best_by_task(params: Params, among: Sequence[str] | None = None) -> dict[str, str]:
    """task -> the best prior, with a flow or without."""
    return {task: priors_by_quality(task, params, among)[0].name for task in params.tasks}


def best_rivals(task: str, params: Params, learned: bool | None = None) -> dict[float, Standing]:
    """condition -> the rival with the highest PSNR there, among those that `rivals_by_quality` gives; empty without."""
    column, quality, counted = condition_column(task), quality_column(task), conditions(task)
    best: dict[float, Standing] = {}
    for rival in rivals_by_quality(task, params, learned):
        for row in rows(task, prior=NO_PRIOR, method=rival.name):
            condition, score = getattr(row, column), getattr(row, quality)
            if condition in counted and (condition not in best or score > best[condition].quality):
                best[condition] = Standing(rival.name, score)
    return best


def lead(task: str, first: str, second: str, method: str = POSTERIOR_MEAN) -> Lead | None:
    """How a prior's posterior mean, or another method's images, stand against a rival's or another prior's.

    None where nobody has compared the two.
    """
    found = _paired(task, first, second, method)
    sign = 1
    if not found:
        found, sign = _paired(task, second, first, method), -1
    if not found:
        return None
    return lead_of_rows(found, sign)


def lead_over_best(task: str, name: str, params: Params, learned: bool | None = None) -> Lead | None:
    """How a prior's posterior mean stands against the best rival of each condition; None without rivals."""
    best = best_rivals(task, params, learned)
    found = [
        row
        for condition, rival in best.items()
        for row in _paired(task, name, rival.name, POSTERIOR_MEAN)
        if row.condition == condition
    ]
    return lead_of_rows(found) if found else None


def lead_of_methods(task: str, name: str) -> str:
    """`ahead` if a prior's posterior mean is better than its `map` in every condition, `behind` or `level` if not."""
    column, quality, counted = condition_column(task), quality_column(task), conditions(task)
    gains = [
        getattr(mean, quality) - getattr(most_probable, quality)
        for mean, most_probable in zip(
            rows_of(task, name, method=POSTERIOR_MEAN), rows_of(task, name, method=MAP), strict=True
        )
        if getattr(mean, column) in counted
    ]
    return "ahead" if min(gains) > 0 else "behind" if max(gains) < 0 else "level"


def flow_leads(task: str, params: Params) -> dict[str, Lead]:
    """prior -> how it stands with its flow against itself without."""
    leads = {prior: lead(task, with_flow(prior), prior) for prior in params.flows}
    return {prior: own for prior, own in leads.items() if own}


def flows_win(params: Params) -> int:
    """In how many tasks the best prior has a flow."""
    return sum(prior_and_latent(name)[1] == FLOW for name in best_by_task(params).values())


def quality(task: str, name: str, method: str, condition: float) -> str:
    """One cell of a table: dB, infinite where nothing had to be restored, empty where nobody has tried."""
    found = rows_of(task, name, method=method, **{condition_column(task): condition})
    if not found:
        return ""
    value = getattr(found[0], quality_column(task))
    return "∞" if value is None else f"{round(value, 1) + 0.0:.1f}"


def gans(params: Params) -> list[str]:
    """The priors that learned from a discriminator."""
    return [prior for prior in params.priors if rows("training", prior=prior)[-1].d_loss is not None]


def with_flows(priors: Sequence[str]) -> list[str]:
    """Their names without a flow and with one."""
    return [*priors, *map(with_flow, priors)]


def learned(params: Params) -> bool:
    """Whether any rival was trained for its task."""
    return any(rival in LEARNED for task in params.tasks for rival in params.rivals[task])


def rows_of(table: str, name: str, **keys: object) -> list[Row]:
    """Rows of a prior by the one name that says whether it has a flow."""
    prior, latent = prior_and_latent(name)
    return rows(table, prior=prior, latent=latent, **keys)


def lead_of_rows(found: Sequence[Row], sign: int = 1) -> Lead:
    """What rows with `difference` and its interval say; with `sign` -1 of the second restorer against the first."""
    intervals = [sorted((sign * row.difference_low, sign * row.difference_high)) for row in found]
    return Lead(
        differences=[sign * row.difference for row in found],
        ahead=sum(low > 0 for low, _ in intervals),
        behind=sum(high < 0 for _, high in intervals),
    )


def _paired(task: str, name: str, against: str, method: str) -> list[Row]:
    return rows_of("paired", name, task=task, method=method, against=against) if rows("paired") else []


def _mean(task: str, name: str, method: str) -> float:
    column, quality, counted = condition_column(task), quality_column(task), conditions(task)
    found = [row for row in rows_of(task, name, method=method) if getattr(row, column) in counted]
    values = [getattr(row, quality) for row in found]
    if not values:
        raise UserError(f"{table_path(task)}: no rows of {name}, {method}")
    return math.inf if None in values else sum(values) / len(values)


def ranked(standings: list[Standing]) -> list[Standing]:
    return sorted(standings, key=lambda standing: -standing.quality)


def searched_name(row: Row) -> str:
    """The name of what was searched: of the prior, or of it with its flow."""
    return with_flow(row.prior) if row.latent == FLOW else str(row.prior)
