"""What is said of saturation, samples, norms, intervals and likelihoods."""

from dataclasses import dataclass

from stages.pipeline.artifacts import NO_PRIOR
from stages.pipeline.params import Params
from stages.report.page.findings.standings import conditions, gans, rows_of, searched_name
from stages.report.page.results import Row, rows

SATURATED = 0.01  # a GAN whose generator's loss has a smaller slope is called saturated; at logit 0 it is 1/2 or 1


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


def saturated(params: Params) -> list[str]:
    """The GANs whose generator's loss had hardly any slope left after the last epoch."""
    return [prior for prior in gans(params) if rows("training", prior=prior)[-1].loss_slope < SATURATED]


def last_fidelity(params: Params) -> list[tuple[str, Row]]:
    """(prior, its last epoch's row of fidelity.csv) of real images, `none`, and of each prior, with a flow too."""
    return [(name, rows_of("fidelity", name)[-1]) for name in (NO_PRIOR, *params.searched)]


def by_distance(params: Params) -> list[Distance]:
    """Priors by the Frechet distance of what their last generator draws, the nearest first."""
    found = [Distance(name, row.frechet_distance) for name, row in last_fidelity(params)[1:]]
    return sorted(found, key=lambda one: one.distance)


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


def as_likely(noise: str) -> list[str]:
    """The priors, beside the likeliest, that cannot be told from it by the likelihood of test images.

    Of likelihood.csv with this noise: those no further from it than the gap between the bounds may be. The larger of
    the two priors' gaps counts, and of a gap the upper end of its interval over simulated images.
    """
    bits, gaps = (
        {searched_name(row): row for row in rows("likelihood", noise=noise, images=images, bound=bound)}
        for images, bound in (("test", "lower"), ("simulated", "gap"))
    )
    best = min(bits, key=lambda name: bits[name].bits_per_dim)
    return [
        name
        for name in bits
        if name != best and bits[name].bits_per_dim - bits[best].bits_per_dim <= max(gaps[name].high, gaps[best].high)
    ]
