"""What came out for other image sets, from the tables of data/other_images."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from stages.pipeline.artifacts import COMBINED, FLOW, NO_PRIOR, NORMAL, UNRESTORED, prior_and_latent
from stages.report.page.findings.standings import (
    LEARNED,
    Lead,
    Standing,
    condition_column,
    lead_of_rows,
    ranked,
    searched_name,
    spread,
)
from stages.report.page.results import Row, rows
from stages.restoration.restored import POSTERIOR_MEAN

SHOWN = 4  # conditions in a table of other images, at most
QUALITY = {"denoising": "psnr", "inpainting": "hole_psnr"}  # the tasks of these studies, and what each is judged by


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
        return lead_of_rows([getattr(cell, name) for cell in self.cells])


def other_images(images: str) -> dict[str, OtherTask]:
    """task -> what came out for another image set, from data/other_images."""
    return {task: _task(images, task) for task in QUALITY}


def _task(images: str, task: str) -> OtherTask:
    condition = condition_column(task)
    means = [row for row in _restored(images, task) if row.method == POSTERIOR_MEAN]
    totals: dict[str, float] = {}
    for row in means:
        totals[searched_name(row)] = totals.get(searched_name(row), 0) + getattr(row, QUALITY[task])

    def best(among: Iterable[str]) -> str:
        return max(among, key=lambda name: totals[name])

    adversarial = other_gans(images)
    normal = [name for name in totals if prior_and_latent(name)[1] == NORMAL]
    prior, gan = best(totals), best(name for name in totals if prior_and_latent(name)[0] in adversarial)
    objectives = best(set(normal) & set(adversarial)), best(set(normal) - set(adversarial))
    values = dict.fromkeys(getattr(row, condition) for row in means)
    own_flow = [row for row in _paired(images, task, latent=FLOW) if row.prior == row.against]
    return OtherTask(
        prior,
        gan,
        condition,
        cells=[_cell(images, task, value, prior, gan) for value in values],
        flow_leads={
            name: lead_of_rows([row for row in own_flow if row.prior == name])
            for name in dict.fromkeys(row.prior for row in own_flow)
        },
        objectives=objectives,
        objectives_lead=_lead(images, task, *objectives),
    )


def _cell(images: str, task: str, value: float, prior: str, gan: str) -> OtherCell:
    here = {
        (searched_name(row), row.method): getattr(row, QUALITY[task])
        for row in _restored(images, task)
        if getattr(row, condition_column(task)) == value
    }
    rivals = ranked(
        [
            Standing(method, score)
            for (name, method), score in here.items()
            if name == NO_PRIOR and method not in (UNRESTORED, COMBINED)
        ]
    )
    classical = next(rival for rival in rivals if rival.name not in LEARNED)
    paired = {
        (searched_name(row), row.method, row.against): row
        for row in rows(f"other_images/{images}/paired", task=task, condition=value)
    }
    return OtherCell(
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


def _restored(images: str, task: str) -> list[Row]:
    """The rows of the task's table in which there was something to restore."""
    return [row for row in rows(f"other_images/{images}/{task}") if getattr(row, QUALITY[task]) is not None]


def _paired(images: str, task: str, **keys: str) -> list[Row]:
    return rows(f"other_images/{images}/paired", task=task, method=POSTERIOR_MEAN, **keys)


def _lead(images: str, task: str, first: str, second: str) -> Lead:
    """How a prior stands against another, codes from N(0, I); the table has one of the two directions."""
    if found := _paired(images, task, latent=NORMAL, prior=first, against=second):
        return lead_of_rows(found)
    return lead_of_rows(_paired(images, task, latent=NORMAL, prior=second, against=first), sign=-1)


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
        leads = {task: _lead(images, task, first, second) for task in QUALITY}
        if all(lead.mean > 0 for lead in leads.values()):
            return first, second, leads
    return None
