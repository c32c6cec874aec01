"""A trained prior -> data/norms/: test images restored with different norms from different corruptions."""

from stages.images.picking import pick_images
from stages.pipeline.artifacts import NORMS
from stages.pipeline.command import no_arguments, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.priors.misfit import load_misfit
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.observed import observed_writer
from stages.restoration.restored import restored_writer
from stages.restoration.studies.norms import compare_norms, corrupted


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    name, settings = params.usual_prior, params.norms
    images, _ = pick_images("test", settings.images, params)
    compute = choose_compute().for_images(images.shape[-1])
    misfit, _ = load_misfit(name)
    prior = load_prior(name, misfit, compute, images)
    say(f"compare_norms: {name}: {compute}")
    search = LatentSearch(prior, params.search, params.seed, compute).with_restarts(settings.restarts)
    observed = corrupted(images, settings, params.seed)
    restored = compare_norms(search, observed.observation)
    publish({NORMS / "observed.npz": observed_writer(observed), NORMS / "restored.npz": restored_writer(restored)})
