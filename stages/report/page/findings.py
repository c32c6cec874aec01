"""Who is ahead of whom: what sentences of the report decide on."""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from stages.pipeline import named
from stages.pipeline.artifacts import (
    COMBINED,
    FLOW,
    LONG_RUNS,
    NO_PRIOR,
    NORMAL,
    UNRESTORED,
    prior_and_latent,
    with_flow,
)
from stages.pipeline.errors import UserError
from stages.pipeline.params import PARAMS_FILE, Params
from stages.report.page.results import Row, rows, table_path
from stages.report.style import readable
from stages.restoration.restored import MAP, POSTERIOR_MEAN
from stages.restoration.task import Task
from stages.restoration.weighed import WEIGHED as WEIGHED  # for sections

LEARNED = ("unet",)  # rivals that are trained for the very task
SATURATED = 0.01  # a GAN whose generator's loss has a smaller slope is called saturated; at logit 0 it is 1/2 or 1
DECISIVE = ("seed", "data", "train", "flow", "search")  # parameters of a study that long runs share, beside the grids
SHOWN = 4  # conditions in a table of other images, at most


@dataclass(frozen=True)
class Standing:
    """How well one restorer does in a task, over all conditions in which there is something to restore."""

    name: str  # of a prior, `artifacts.with_flow`'s with a flow, or of a rival
    quality: float  # mean of the conditions' PSNR, dB


@dataclass(frozen=True)
class Distance:
    """How far a prior's images are from test images."""

    name: str
    distance: float


@dataclass(frozen=True)
class Agreement:
    """How well a prior's chains agree: 1 where they do."""

    name: str
    r_hat: float


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


@dataclass(frozen=True)
class SeedLead:
    """By how much one prior is ahead of another in one training of both, over a task's conditions."""

    differences: Sequence[float]  # dB, of mean PSNR, one a condition; without intervals

    @property
    def mean(self) -> float:
        return sum(self.differences) / len(self.differences)

    @property
    def behind(self) -> int:
        """Conditions in which the other is ahead."""
        return sum(difference < 0 for difference in self.differences)


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


def priors_by_quality(task: str, params: Params, among: Sequence[str] | None = None) -> list[Standing]:
    """Priors, with a flow and without, by their posterior mean's quality, the best first."""
    names = params.searched if among is None else list(among)
    return _ranked([Standing(name, _mean(task, name, POSTERIOR_MEAN)) for name in names])


def rivals_by_quality(task: str, params: Params, learned: bool | None = None) -> list[Standing]:
    """Rivals, the best first: all, or those alone that are trained for the task, or that are not."""
    names = [name for name in params.rivals[task] if learned is None or (name in LEARNED) == learned]
    return _ranked([Standing(name, _mean(task, NO_PRIOR, name)) for name in names])


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
    return _lead(found, sign)


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


def lead_over_best(task: str, name: str, params: Params, learned: bool | None = None) -> Lead | None:
    """How a prior's posterior mean stands against the best rival of each condition; None without rivals."""
    best = best_rivals(task, params, learned)
    found = [
        row
        for condition, rival in best.items()
        for row in _paired(task, name, rival.name, POSTERIOR_MEAN)
        if row.condition == condition
    ]
    return _lead(found) if found else None


def _lead(found: Sequence[Row], sign: int = 1) -> Lead:
    """What rows with `difference` and its interval say; with `sign` -1 of the second restorer against the first."""
    intervals = [sorted((sign * row.difference_low, sign * row.difference_high)) for row in found]
    return Lead(
        differences=[sign * row.difference for row in found],
        ahead=sum(low > 0 for low, _ in intervals),
        behind=sum(high < 0 for _, high in intervals),
    )


def _long_runs(table: str, params: Params) -> list[Row]:
    """The rows of a table of data/long_runs, which are about digits; none for other images."""
    return list(rows(f"long_runs/{table}")) if params.data.name == "mnist" else []


def shares(params: Params, *names: str) -> bool:
    """Whether a study of digits has the values of data/long_runs/params.yaml for these top-level keys.

    Keys that params.yaml has got since then are no difference.
    """
    path = LONG_RUNS / PARAMS_FILE
    if params.data.name != "mnist" or not path.is_file():
        return False
    theirs, ours = yaml.safe_load(path.read_text()), params.model_dump() | params.grids
    return all(theirs.get(name) == ours[name] for name in names)


def like_long_runs(params: Params) -> bool:
    """Whether this study is the one that data/long_runs is about.

    By the parameters there that decide how priors are trained and searched, and by unet.csv: the U-Net's steps, the
    number of images and the conditions.
    """
    found = _long_runs("unet", params)
    return (
        bool(found)
        and shares(params, *DECISIVE, *params.grids)
        and min(row.steps for row in found) == params.unet.steps
        and {row.n for row in found} == {params.images}
        and all({row.condition for row in found if row.task == task} == set(conditions(task)) for task in params.tasks)
    )


def longer_unet(params: Params) -> list[Row]:
    """The rows of data/long_runs/unet.csv whose U-Net was trained for the most steps; none for other images."""
    found = _long_runs("unet", params)
    return [row for row in found if row.steps == max(other.steps for other in found)]


def leads_over_longer_unet(params: Params) -> dict[str, Lead]:
    """task -> how the posterior mean of that table's prior stands against this U-Net."""
    found = longer_unet(params)
    return {task: _lead(own) for task in params.tasks if (own := [row for row in found if row.task == task])}


@dataclass(frozen=True)
class Comparison:
    """One restorer against another, task by task."""

    title: str  # what is compared, for a row of a table
    first: dict[str, str]  # task -> name
    second: dict[str, str]  # task -> name
    leads: dict[str, Lead]  # task -> how the first stands against the second, where somebody has compared them

    @property
    def named_apart(self) -> bool:
        """Whether a table must name the restorers in each cell, since they are not the same in all tasks."""
        return any(len(set(names.values())) > 1 for names in (self.first, self.second))


def comparisons(params: Params) -> dict[str, Comparison | None]:
    """What the first page compares, by name; None where a study lacks one of the two sides.

    losses      the best GAN loss and the second best, codes from N(0, I)
    flowed      the same two losses, both with a flow
    classical   the best GAN and the best classical or linear rival of each condition
    learned     the best GAN and the rival that was trained for the task
    objectives  the best GAN and the best prior that has no discriminator
    flows       the same where both may draw codes from a flow
    best        the best prior of all and the best rival
    longer      the prior of data/long_runs and the longer-trained U-Net there
    """
    adversarial = gans(params)
    others = [prior for prior in params.priors if prior not in adversarial]
    best_gan = best_by_task(params, adversarial) if adversarial else {}
    found: dict[str, Comparison | None] = dict.fromkeys(
        ("losses", "flowed", "classical", "learned", "objectives", "flows", "best", "longer")
    )
    if len(adversarial) > 1:
        second = {task: priors_by_quality(task, params, adversarial)[1].name for task in params.tasks}
        found["losses"] = _comparison("best GAN loss", best_gan, "second best", second)
        if set(best_gan.values()) | set(second.values()) <= set(params.flows):
            sides = [{task: with_flow(name) for task, name in names.items()} for names in (best_gan, second)]
            found["flowed"] = _comparison("the same loss with a flow", sides[0], "the second best with one", sides[1])
    if best_gan:
        classical = {task: lead_over_best(task, name, params, False) for task, name in best_gan.items()}
        found["classical"] = Comparison(
            f"best GAN{_name(best_gan)} against the best classical or linear restorer of each condition",
            best_gan,
            dict.fromkeys(best_gan, ""),
            {task: one for task, one in classical.items() if one},
        )
        trained = {task: ranked[0].name for task in params.tasks if (ranked := rivals_by_quality(task, params, True))}
        found["learned"] = _comparison("best GAN", best_gan, "learned rival", trained)
    if best_gan and others:
        found["objectives"] = _comparison("best GAN", best_gan, "best other prior", best_by_task(params, others))
        if params.flows:
            sides = [
                best_by_task(params, [name for name in with_flows(group) if name in params.searched])
                for group in (adversarial, others)
            ]
            found["flows"] = _comparison("best GAN with or without a flow", sides[0], "best other prior", sides[1])
    rivals = {task: ranked[0].name for task in params.tasks if (ranked := rivals_by_quality(task, params))}
    found["best"] = _comparison("best prior", best_by_task(params), "best rival", rivals)
    if like_long_runs(params):
        long = longer_unet(params)
        found["longer"] = Comparison(
            f"{readable(long[0].prior)} against a U-Net that was trained for {long[0].steps} steps",
            dict.fromkeys(params.tasks, long[0].prior),
            dict.fromkeys(params.tasks, "unet"),
            leads_over_longer_unet(params),
        )
    return {name: one if one and one.leads else None for name, one in found.items()}


def _comparison(first_is: str, first: dict[str, str], second_is: str, second: dict[str, str]) -> Comparison:
    leads = {task: lead(task, first[task], name) for task, name in second.items()}
    return Comparison(
        f"{first_is}{_name(first)} against {second_is}{_name(second)}",
        first,
        second,
        {task: one for task, one in leads.items() if one},
    )


def _name(by_task: dict[str, str]) -> str:
    """The name in brackets, if it is the same in all tasks."""
    names = set(by_task.values())
    return f" ({readable(names.pop())})" if len(names) == 1 else ""


def generator_steps(params: Params) -> dict[int, dict[str, Lead]]:
    """generator steps -> task -> how the GAN of data/long_runs/generator_steps.csv stands against the prior there."""
    found = _long_runs("generator_steps", params)
    return {
        steps: {
            task: _lead(own)
            for task in params.tasks
            if (own := [row for row in found if row.g_steps == steps and row.task == task])
        }
        for steps in sorted({row.g_steps for row in found})
    }


def trainings(task: str, name: str, params: Params) -> dict[int, list[float]]:
    """seed -> PSNR, one a condition of the task, of a prior that was trained with it, the study's own seed first.

    The others are those of data/long_runs/training_seeds.csv. Empty where nobody has trained this prior again with the
    study's parameters.
    """
    found = _long_runs("training_seeds", params) if like_long_runs(params) else []
    prior, latent = prior_and_latent(name)
    again = {
        (row.seed, row.condition): row.psnr
        for row in found
        if (row.prior, row.latent, row.task) == (prior, latent, task)
    }
    if not again or name not in params.searched:
        return {}
    column, quality, counted = condition_column(task), quality_column(task), conditions(task)
    means = {getattr(row, column): getattr(row, quality) for row in rows_of(task, name, method=POSTERIOR_MEAN)}
    return {params.seed: [means[condition] for condition in counted]} | {
        seed: [again[seed, condition] for condition in counted] for seed in sorted({seed for seed, _ in again})
    }


def leads_by_seed(first: dict[str, str], second: dict[str, str], params: Params) -> dict[str, dict[int, SeedLead]]:
    """task -> seed -> how a prior stands against another in each training that both went through; see `trainings`."""
    leads = {}
    for task, name in first.items():
        one, other = (trainings(task, of, params) for of in (name, second[task]))
        if both := [seed for seed in one if seed in other]:
            leads[task] = {
                seed: SeedLead([a - b for a, b in zip(one[seed], other[seed], strict=True)]) for seed in both
            }
    return leads


def comparisons_by_seed(params: Params) -> list[tuple[Comparison, dict[str, dict[int, SeedLead]]]]:
    """Comparisons of priors, each with its `leads_by_seed`; those alone that other seeds say something about."""
    found = comparisons(params)
    best = best_by_task(params)
    best_gan = best_by_task(params, gans(params)) if gans(params) else best
    chosen = [found["losses"], found["objectives"], _comparison("best prior", best, "best GAN", best_gan)]
    by_seed = [(one, leads_by_seed(one.first, one.second, params)) for one in chosen if one and one.first != one.second]
    return [(one, leads) for one, leads in by_seed if leads]


def with_flows(priors: Sequence[str]) -> list[str]:
    """Their names without a flow and with one."""
    return [*priors, *map(with_flow, priors)]


def gans(params: Params) -> list[str]:
    """The priors that learned from a discriminator."""
    return [prior for prior in params.priors if rows("training", prior=prior)[-1].d_loss is not None]


def flow_leads(task: str, params: Params) -> dict[str, Lead]:
    """prior -> how it stands with its flow against itself without."""
    leads = {prior: lead(task, with_flow(prior), prior) for prior in params.flows}
    return {prior: own for prior, own in leads.items() if own}


def saturated(params: Params) -> list[str]:
    """The GANs whose generator's loss had hardly any slope left after the last epoch."""
    return [prior for prior in gans(params) if rows("training", prior=prior)[-1].loss_slope < SATURATED]


def best_by_task(params: Params, among: Sequence[str] | None = None) -> dict[str, str]:
    """task -> the best prior, with a flow or without."""
    return {task: priors_by_quality(task, params, among)[0].name for task in params.tasks}


def flows_win(params: Params) -> int:
    """In how many tasks the best prior has a flow."""
    return sum(prior_and_latent(name)[1] == FLOW for name in best_by_task(params).values())


def last_fidelity(params: Params) -> list[tuple[str, Row]]:
    """(prior, its last epoch's row of fidelity.csv) of real images, `none`, and of each prior, with a flow too."""
    return [(name, rows_of("fidelity", name)[-1]) for name in (NO_PRIOR, *params.searched)]


def by_distance(params: Params) -> list[Distance]:
    """Priors by the Frechet distance of what their last generator draws, the nearest first."""
    found = [Distance(name, row.frechet_distance) for name, row in last_fidelity(params)[1:]]
    return sorted(found, key=lambda one: one.distance)


def spread(values: Sequence[float], most: int) -> list[float]:
    """At most so many of the values, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(place * (len(values) - 1) / (most - 1))] for place in range(most)]


def quality(task: str, name: str, method: str, condition: float) -> str:
    """One cell of a table: dB, infinite where nothing had to be restored, empty where nobody has tried."""
    found = rows_of(task, name, method=method, **{condition_column(task): condition})
    if not found:
        return ""
    value = getattr(found[0], quality_column(task))
    return "∞" if value is None else f"{round(value, 1) + 0.0:.1f}"


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


def learned(params: Params) -> bool:
    """Whether any rival was trained for its task."""
    return any(rival in LEARNED for task in params.tasks for rival in params.rivals[task])


def corruptions(kind: str) -> list[str]:
    """The corruptions of norms.csv whose name starts so, in its order."""
    return list(dict.fromkeys(row.corruption for row in rows("norms") if row.corruption.startswith(kind)))


def norm(corruption: str, *names: str) -> Row | None:
    """The row of the norm among `names` that does best, with the prior, under a corruption; None if none was tried."""
    found = rows("norms", corruption=corruption, with_prior="on")
    tried = [row for row in found if row.norm in names and row.psnr is not None]
    return max(tried, key=lambda row: row.psnr, default=None)


def calibration(name: str, task: str) -> list[Row]:
    """Rows of calibration.csv of the conditions in which there is something to restore."""
    counted = conditions(task)
    return [row for row in rows_of("calibration", name, task=task) if row.condition in counted]


def hats(params: Params) -> list[Agreement]:
    """Each prior's worst split R-hat, the best of them first."""
    worst = [
        Agreement(name, max(row.r_hat for task in params.tasks for row in calibration(name, task)))
        for name in params.searched
    ]
    return sorted(worst, key=lambda one: one.r_hat)


def rows_of(table: str, name: str, **keys: object) -> list[Row]:
    """Rows of a prior by the one name that says whether it has a flow."""
    prior, latent = prior_and_latent(name)
    return rows(table, prior=prior, latent=latent, **keys)


def _paired(task: str, name: str, against: str, method: str) -> list[Row]:
    return rows_of("paired", name, task=task, method=method, against=against) if rows("paired") else []


def _mean(task: str, name: str, method: str) -> float:
    column, quality, counted = condition_column(task), quality_column(task), conditions(task)
    found = [row for row in rows_of(task, name, method=method) if getattr(row, column) in counted]
    values = [getattr(row, quality) for row in found]
    if not values:
        raise UserError(f"{table_path(task)}: no rows of {name}, {method}")
    return math.inf if None in values else sum(values) / len(values)


def _ranked(standings: list[Standing]) -> list[Standing]:
    return sorted(standings, key=lambda standing: -standing.quality)


def as_likely(noise: str) -> list[str]:
    """The priors, beside the likeliest, that cannot be told from it by the likelihood of test images.

    Of likelihood.csv with this noise: those no further from it than the gap between the bounds may be. The larger of
    the two priors' gaps counts, and of a gap the upper end of its interval over simulated images.
    """
    bits, gaps = (
        {_searched(row): row for row in rows("likelihood", noise=noise, images=images, bound=bound)}
        for images, bound in (("test", "lower"), ("simulated", "gap"))
    )
    best = min(bits, key=lambda name: bits[name].bits_per_dim)
    return [
        name
        for name in bits
        if name != best and bits[name].bits_per_dim - bits[best].bits_per_dim <= max(gaps[name].high, gaps[best].high)
    ]


@dataclass(frozen=True)
class OtherCell:
    """One condition of a study of other images: PSNR in dB, and paired differences."""

    condition: float
    mean: float  # of the best prior's posterior mean
    gan_mean: float  # of the best GAN's, with a flow or without
    combined: float  # of the best prior's combined with all rivals
    rivals: float  # of all rivals combined
    best: Standing  # the best rival
    classical: Standing  # the best of those that are not trained for the task
    lead: Row  # the best prior's posterior mean less the best rival
    gan_lead: Row  # the best GAN's less the best classical or linear one
    added: Row  # combined less all rivals combined


@dataclass(frozen=True)
class OtherTask:
    """One task of such a study: the priors with the best posterior means, condition by condition."""

    prior: str
    gan: str  # the best one that learned from a discriminator
    condition_name: str
    cells: list[OtherCell]
    flow_leads: dict[str, Lead]  # prior -> how it stands with its flow against itself without
    objectives: tuple[str, str]  # the best GAN and the best prior without a discriminator, codes from N(0, I)
    objectives_lead: Lead  # how the first stands against the second

    @property
    def shown(self) -> list[OtherCell]:
        """SHOWN of the cells, the first and the last among them."""
        conditions = spread([cell.condition for cell in self.cells], SHOWN)
        return [cell for cell in self.cells if cell.condition in conditions]

    def lead(self, name: str) -> Lead:
        """A difference of the cells, `lead`, `gan_lead` or `added`, over all conditions."""
        return _lead([getattr(cell, name) for cell in self.cells])


def other_gans(images: str) -> list[str]:
    """The GANs of a study of another image set, of data/other_images."""
    trained = rows(f"other_images/{images}/training")
    return list(dict.fromkeys(row.prior for row in trained if row.d_loss is not None))


def other_losses(images: str) -> tuple[str, str, dict[str, Lead]] | None:
    """Two GAN losses on another image set: the first is the better one in every task; None where there are not two.

    Then task -> how the first stands against the second, codes from N(0, I).
    """
    names = other_gans(images)
    for first, second in itertools.permutations(names, 2) if len(names) == 2 else ():
        leads = {}
        for task in ("denoising", "inpainting"):
            keys = {"task": task, "latent": NORMAL, "method": POSTERIOR_MEAN}
            if found := rows(f"other_images/{images}/paired", prior=first, against=second, **keys):
                leads[task] = _lead(found)
            elif found := rows(f"other_images/{images}/paired", prior=second, against=first, **keys):
                leads[task] = _lead(found, sign=-1)
        if leads and all(lead.mean > 0 for lead in leads.values()):
            return first, second, leads
    return None


def other_images(images: str) -> dict[str, OtherTask]:
    """task -> what came out for another image set, from data/other_images."""
    folder, found = f"other_images/{images}", {}
    adversarial = set(other_gans(images))
    for task, condition, quality in (("denoising", "sigma", "psnr"), ("inpainting", "holes", "hole_psnr")):
        table = [row for row in rows(f"{folder}/{task}") if getattr(row, quality) is not None]
        means = [row for row in table if row.method == POSTERIOR_MEAN]
        totals: dict[str, float] = {}
        for row in means:
            totals[_searched(row)] = totals.get(_searched(row), 0) + getattr(row, quality)
        prior, gan = (
            max(names, key=lambda name: totals[name])
            for names in (totals, [name for name in totals if prior_and_latent(name)[0] in adversarial])
        )
        cells = []
        for value in dict.fromkeys(getattr(row, condition) for row in means):
            here = {
                (_searched(row), row.method): getattr(row, quality) for row in table if getattr(row, condition) == value
            }
            rivals = _ranked(
                [
                    Standing(method, score)
                    for (name, method), score in here.items()
                    if name == NO_PRIOR and method not in (UNRESTORED, COMBINED)
                ]
            )
            classical = next(rival for rival in rivals if rival.name not in LEARNED)
            paired = {
                (_searched(row), row.method, row.against): row
                for row in rows(f"{folder}/paired", task=task, condition=value)
            }
            cells.append(
                OtherCell(
                    condition=value,
                    mean=here[prior, POSTERIOR_MEAN],
                    gan_mean=here[gan, POSTERIOR_MEAN],
                    combined=here[prior, COMBINED],
                    rivals=here[NO_PRIOR, COMBINED],
                    best=rivals[0],
                    classical=classical,
                    lead=paired[prior, POSTERIOR_MEAN, rivals[0].name],
                    gan_lead=paired[gan, POSTERIOR_MEAN, classical.name],
                    added=paired[prior, COMBINED, COMBINED],
                )
            )
        compared = rows(f"{folder}/paired", task=task, latent=FLOW, method=POSTERIOR_MEAN)
        flow_leads = {
            name: _lead(own)
            for name in dict.fromkeys(row.prior for row in compared)
            if (own := [row for row in compared if row.prior == row.against == name])
        }
        plain = [name for name in totals if prior_and_latent(name)[1] == NORMAL]
        first, second = (
            max(names, key=lambda name: totals[name])
            for names in ([name for name in plain if name in adversarial], [n for n in plain if n not in adversarial])
        )
        both = rows(f"{folder}/paired", task=task, prior=second, latent=NORMAL, method=POSTERIOR_MEAN, against=first)
        found[task] = OtherTask(prior, gan, condition, cells, flow_leads, (first, second), _lead(both, sign=-1))
    return found


def _searched(row: Row) -> str:
    """The name of what was searched: of the prior, or of it with its flow."""
    return with_flow(row.prior) if row.latent == FLOW else str(row.prior)
