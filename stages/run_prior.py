"""What is seen of images -> data/restored/<task>/<prior>.npz: restored by each method of a trained prior.

The same of a few validation images, by posterior_mean alone -> data/tuned/<task>/<prior>.npz.
"""

from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.priors.misfit import load_misfit
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.restored import Restored, methods_of, restored_writer
from stages.restoration.side_by_side import posterior_means, restore
from stages.restoration.task import load_task, load_tuning
from stages.restoration.weighed import WEIGHED


def main() -> None:
    params = load_params()
    task, name = choices(__doc__, task=params.tasks, prior=params.searched)
    observed = load_task(task, params)
    compute = choose_compute().for_images(observed.images.shape[-1])
    misfit, _ = load_misfit(name)
    prior = load_prior(name, misfit, compute, observed.images)
    say(f"run_prior: {task}: {name}: {compute}")
    search = LatentSearch(prior, params.search, params.seed, compute)
    restored = restore(search, observed.observation, methods_of(name))  # all conditions in one batch
    tuned = posterior_means(search, load_tuning(task, params).first(WEIGHED).observation)
    publish(
        {
            artifacts.restored_by_prior(task, name): restored_writer(restored),
            artifacts.tuned_by_prior(task, name): restored_writer(Restored({name: tuned})),
        }
    )
