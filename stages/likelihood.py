"""A trained prior -> data/likelihood/<prior>.csv: log p(x) of test images, and how far its estimate can be trusted."""

import pandas as pd

from stages.images.picking import pick_images
from stages.judging.likelihood import dequantise, likelihoods
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.priors.misfit import load_misfit
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch


def main() -> None:
    params = load_params()
    (name,) = choices(__doc__, prior=params.searched)
    settings, seed = params.likelihood, params.seed
    test, validation = (
        dequantise(pick_images(split, count, params)[0], seed, split)
        for split, count in (("test", settings.images), ("validation", settings.validation))
    )
    compute = choose_compute().for_images(test.shape[-1])
    prior = load_prior(name, load_misfit(name)[0], compute, test)
    say(f"likelihood: {name}: {compute}")
    rows = pd.DataFrame(likelihoods(LatentSearch(prior, params.search, seed, compute), test, validation, settings))
    for (noise, images, bound), nats in rows.groupby(["noise", "images", "bound"], sort=False).nats:
        say(f"likelihood: {name}: {noise}: {images}: {bound} bound {nats.mean():.1f} nats")
    publish({artifacts.likelihood(name): table_writer(rows)})
