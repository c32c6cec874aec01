"""The flow over images and trained priors -> data/density/: bits that images cost, and the generators' Jacobians."""

import numpy as np

from stages.images.altered import altered
from stages.images.picking import pick_images
from stages.judging.jacobian import generator_singular_values
from stages.pipeline import artifacts
from stages.pipeline.command import no_arguments, say
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.numerics.pixels import to_uint8
from stages.pipeline.params import load_params
from stages.pipeline.storage import array_writer, publish
from stages.priors.draw import draw_samples
from stages.priors.glow import Glow
from stages.priors.glow_fit import draw_images, image_bits
from stages.priors.trained import load_samples


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    seed, count = params.seed, params.density.images
    glow = load_network(Glow, artifacts.GLOW / "glow.safetensors").to(compute.device)
    images = altered(to_uint8(pick_images("test", count, params)[0]), seed)
    images[artifacts.FLOW] = draw_images(glow, count, seed, compute)
    for prior in params.searched:
        epoch = max(load_samples(artifacts.prior_and_latent(prior)[0]))
        images[prior] = to_uint8(np.concatenate(list(draw_samples(prior, epoch, count, seed, compute))))
    bits = {name: image_bits(glow, own, seed, compute) for name, own in images.items()}
    for name, own in bits.items():
        say(f"density: {name}: {own.mean():.3f} bits per dimension")
    values = {prior: generator_singular_values(prior, params.density.codes, seed, compute) for prior in params.priors}
    publish(
        {artifacts.DENSITY / "bits.npz": array_writer(bits), artifacts.DENSITY / "jacobian.npz": array_writer(values)}
    )
