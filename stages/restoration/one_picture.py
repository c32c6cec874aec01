"""One picture restored by a trained prior: what `python -m stages restore` needs torch for."""

from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import Params
from stages.priors.misfit import load_misfit
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.observation import Observation
from stages.restoration.restored import BY_FLOW, Restored
from stages.restoration.side_by_side import restore


def restore_one(name: str, observation: Observation, params: Params) -> Restored:
    """The most probable code, the posterior mean and its spread, by the prior of this name; not the textbook's recipe.

    Raises UserError for a file of the prior that is missing or damaged.
    """
    compute = choose_compute().for_images(observation.y.shape[-1])
    misfit, _ = load_misfit(name)
    prior = load_prior(name, misfit, compute, observation.y)
    return restore(LatentSearch(prior, params.search, params.seed, compute), observation, BY_FLOW)
