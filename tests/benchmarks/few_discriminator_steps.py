"""Is it the order, or a discriminator that has hardly learned? `python -m tests.benchmarks.few_discriminator_steps`.

In `modes`, a discriminator of the order max-min takes far fewer steps than one of the other orders. Here the other
orders end as soon as their discriminators have taken as many. data/long_runs/modes_few_steps.csv gets a row for each
pair of networks on the ring and the grid: the modes that its generator covers at the end, its good samples and their
KL to even shares, as in metrics/modes.csv, and the steps of both networks. The starts are those of `modes`.
"""

from collections.abc import Iterator

from stages.judging.modes import mode_statistics, nearest_modes
from stages.pipeline import artifacts
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import Modes, load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.priors.max_min.mixtures import MIXTURES
from stages.priors.max_min.orders import Duels, Run, steps_of_a_round
from stages.priors.max_min.played import MAX_MIN, MIN_MAX, ONE_TO_ONE
from stages.priors.max_min.study import SAMPLES
from stages.priors.max_min.targets import mixture_target
from stages.priors.slopes import GAN_LOSSES

TABLE = artifacts.LONG_RUNS / "modes_few_steps.csv"


def discriminator_steps(settings: Modes) -> int:
    """Those of the order max-min."""
    return settings.steps // sum(steps_of_a_round(MAX_MIN, settings))


def rows_of(order: str, settings: Modes, seed: int) -> Iterator[Row]:
    """A row for each pair that plays in this order, until its discriminator has taken as many steps."""
    of_discriminator, of_generator = steps_of_a_round(order, settings)
    rounds = discriminator_steps(settings) // of_discriminator
    short = settings.model_copy(update={"steps": rounds * (of_discriminator + of_generator)})
    targets = [mixture_target(name) for name in MIXTURES]
    runs = [Run(target, loss, number) for loss in GAN_LOSSES for target in targets for number in range(settings.seeds)]
    duels = Duels(runs, short, seed, choose_compute())
    for _ in duels.play(order):
        pass
    for run, points in zip(runs, duels.samples(SAMPLES, "samples").numpy(), strict=True):
        mixture = MIXTURES[run.target.name]
        modes, good = nearest_modes(points, mixture.centres, mixture.std)
        key = {"data": run.target.name, "loss": run.loss, "order": order, "seed": run.seed}
        steps = {"d_steps": rounds * of_discriminator, "g_steps": rounds * of_generator}
        yield key | steps | mode_statistics(modes, good, len(mixture.centres))


def main() -> None:
    params = load_params()
    rows = [row for order in (MIN_MAX, ONE_TO_ONE, MAX_MIN) for row in rows_of(order, params.modes, params.seed)]
    publish({TABLE: table_writer(rows)})


if __name__ == "__main__":
    main()
