"""What is seen of images -> data/restored/<task>/<prior>.npz: restored by each method of a trained prior."""

from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.restoration.latent.misfit import load_misfit
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.restored import restored_writer
from stages.restoration.side_by_side import restore
from stages.restoration.task import load_task


def main() -> None:
    params, compute = load_params(), choose_compute()
    task, name = choices(__doc__, task=params.tasks, prior=params.priors)
    observed = load_task(task, params)
    misfit, _ = load_misfit(name)
    prior = load_prior(name, misfit, compute, observed.images)
    say(f"run_prior: {task}: {name}: {compute}")
    search = LatentSearch(prior, params.search, params.seed, compute)
    restored = restore(search, observed.observation)  # all conditions in one batch
    publish({artifacts.restored_by_prior(task, name): restored_writer(restored)})
