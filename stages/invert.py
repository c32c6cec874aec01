"""A trained prior -> data/restored/inversion, data/restored/generated: real and own images inverted; and its misfit."""

import numpy as np

from stages.images.picking import pick_images
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.priors.misfit import misfit_writer
from stages.restoration.inversion import FIRST_MISFIT, invert, measure_misfit
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.observation import clean
from stages.restoration.observed import Observed, load_whole, observed_writer
from stages.restoration.restored import restored_writer


def main() -> None:
    params = load_params()
    (name,) = choices(__doc__, prior=params.priors)
    count, seed = params.images, params.seed
    real = load_whole()
    compute = choose_compute().for_images(real.images.shape[-1])
    prior = load_prior(name, FIRST_MISFIT, compute, real.images)
    say(f"invert: {name}: {compute}")

    validation, _ = pick_images("validation", count, params)
    misfit, fitted = measure_misfit(LatentSearch(prior, params.search, seed, compute), validation)
    say(f"invert: {name}: misfit variance {misfit.slope:.3g} sqrt(g (1 - g)), from {count} validation images")

    codes = numpy_stream(seed, "codes to invert").standard_normal((count, prior.latent_dim), dtype=np.float32)
    own = prior.draw(codes, compute)
    search = LatentSearch(prior.with_misfit(fitted), params.search, seed, compute)
    restored = invert(search, np.concatenate([own, real.images]), params.invert)

    source = np.repeat([artifacts.GENERATED], count)
    publish(
        {
            artifacts.misfit(name): misfit_writer(misfit, fitted),
            artifacts.generated(name): observed_writer(Observed(own, None, clean(own), source, "source")),
            artifacts.restored_by_prior(artifacts.GENERATED, name): restored_writer(restored.rows(slice(count))),
            artifacts.restored_by_prior(artifacts.INVERSION, name): restored_writer(restored.rows(slice(count, None))),
        }
    )
