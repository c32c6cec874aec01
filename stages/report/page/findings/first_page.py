"""What the report's first page compares: one restorer against another, task by task."""

from dataclasses import dataclass

from stages.pipeline.artifacts import with_flow
from stages.pipeline.params import Params
from stages.report.page.findings.long_runs import (
    SeedLead,
    leads_by_seed,
    leads_over_longer_unet,
    like_long_runs,
    longer_unet,
)
from stages.report.page.findings.standings import (
    Lead,
    best_by_task,
    gans,
    lead,
    lead_over_best,
    priors_by_quality,
    rivals_by_quality,
    with_flows,
)
from stages.report.style import readable


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


def comparisons_by_seed(params: Params) -> list[tuple[Comparison, dict[str, dict[int, SeedLead]]]]:
    """Comparisons of priors, each with its `leads_by_seed`; those alone that other seeds say something about."""
    found = comparisons(params)
    best = best_by_task(params)
    best_gan = best_by_task(params, gans(params)) if gans(params) else best
    chosen = [found["losses"], found["objectives"], _comparison("best prior", best, "best GAN", best_gan)]
    by_seed = [(one, leads_by_seed(one.first, one.second, params)) for one in chosen if one and one.first != one.second]
    return [(one, leads) for one, leads in by_seed if leads]


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
