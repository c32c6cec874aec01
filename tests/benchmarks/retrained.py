"""A prior that is trained once more, outside the study, and searched as the study's own are."""

import tempfile
from pathlib import Path

import numpy as np

from stages.images.picking import pick_images
from stages.judging.image_quality import mse, psnr
from stages.pipeline.networks import network_writer
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import Params
from stages.pipeline.storage import publish
from stages.priors.networks import load_for_search
from stages.priors.training import Trained
from stages.restoration.inversion import FIRST_MISFIT, measure_misfit
from stages.restoration.latent.prior import LatentPrior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.observed import Observed
from stages.restoration.side_by_side import posterior_means


def as_prior(trained: Trained, params: Params, compute: Compute) -> LatentPrior:
    """The last generator of a training, with the misfit of validation images; codes from N(0, I)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generator.safetensors")
        publish({path: network_writer(trained.generators[max(trained.generators)])})
        generator = compute.place_network(load_for_search(path))
    validation, _ = pick_images("validation", params.images, params)
    prior = LatentPrior(generator, generator.arguments["latent_dim"], validation.shape[1:], FIRST_MISFIT)
    misfit, _ = measure_misfit(LatentSearch(prior, params.search, params.seed, compute), validation)
    return prior.with_misfit(misfit)


def quality(prior: LatentPrior, observed: Observed, params: Params, compute: Compute) -> np.ndarray:
    """PSNR (N,) of the posterior mean of each image, dB; of hidden pixels where there are any."""
    search = LatentSearch(prior, params.search, params.seed, compute)
    return psnr(mse(observed.images, posterior_means(search, observed.observation), observed.hidden))
