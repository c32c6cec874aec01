"""What the tables of data/long_runs add to a study of digits, where its parameters are theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from stages.pipeline.artifacts import FLOW, LONG_RUNS, prior_and_latent
from stages.pipeline.params import PARAMS_FILE, Params
from stages.report.page.findings.standings import (
    Lead,
    condition_column,
    conditions,
    lead_of_rows,
    quality_column,
    rows_of,
)
from stages.report.page.results import Row, rows
from stages.restoration.restored import POSTERIOR_MEAN

# What decides how priors and the U-Net are trained, and what is restored: a study's parameters that long runs share.
DECISIVE = ("seed", "data", "train", "flow", "search", "tasks", "unet", "images")


@dataclass(frozen=True)
class SeedLead:
    """By how much one restorer is ahead of another in one training of both, over a task's conditions."""

    differences: Sequence[float]  # dB, of mean PSNR, one a condition; without intervals

    @property
    def mean(self) -> float:
        return sum(self.differences) / len(self.differences)

    @property
    def behind(self) -> int:
        """Conditions in which the other is ahead."""
        return sum(difference < 0 for difference in self.differences)


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
    """Whether this study is the one that data/long_runs is about: it has the same parameters, and grids of tasks."""
    return bool(_long_runs("unet", params)) and shares(params, *DECISIVE, *params.grids)


def longer_unet(params: Params) -> list[Row]:
    """The rows of data/long_runs/unet.csv whose U-Net was trained for the most steps; none for other images."""
    found = _long_runs("unet", params)
    return [row for row in found if row.steps == max(other.steps for other in found)]


def leads_over_longer_unet(params: Params) -> dict[str, Lead]:
    """task -> how the posterior mean of that table's prior stands against this U-Net."""
    found = longer_unet(params)
    return {task: lead_of_rows(own) for task in params.tasks if (own := [row for row in found if row.task == task])}


def longer_vae(params: Params) -> dict[str, SeedLead]:
    """task -> how the VAE with its flow stands against this U-Net, both trained longer than here; by means alone."""
    unet = {(row.task, row.condition): row.psnr for row in longer_unet(params)}
    found = [row for row in _long_runs("vae", params) if row.latent == FLOW and (row.task, row.condition) in unet]
    own = {task: [row.psnr - unet[task, row.condition] for row in found if row.task == task] for task in params.tasks}
    return {task: SeedLead(differences) for task, differences in own.items() if differences}


def generator_steps(params: Params) -> dict[int, dict[str, Lead]]:
    """generator steps -> task -> how the GAN of data/long_runs/generator_steps.csv stands against the prior there."""
    found = _long_runs("generator_steps", params)
    return {
        steps: {
            task: lead_of_rows(own)
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


def slopes(prior: str, params: Params) -> list[float]:
    """The slope of a GAN's generator loss in the last epoch of its trainings with other seeds; see `trainings`."""
    found = _long_runs("training_seeds", params) if like_long_runs(params) else []
    return list({row.seed: row.loss_slope for row in found if row.prior == prior}.values())


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


def _long_runs(table: str, params: Params) -> list[Row]:
    """The rows of a table of data/long_runs, which are about digits; none for other images."""
    return list(rows(f"long_runs/{table}")) if params.data.name == "mnist" else []
