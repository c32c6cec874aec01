"""Where paths of annealed importance sampling start: `python -m tests.benchmarks.likelihood`, after `dvc repro invert`.

From N(0, I), as Wu et al. (2017) do, and from Laplace's approximation around the code that the search finds, with more
and more steps: the lower bound of log p(x) of dequantised validation images, and the gap between both bounds of images
that the prior drew. Nats, means over images, with the noise that restorations use.
"""

import argparse

import torch

from stages.images.picking import pick_images
from stages.judging.likelihood import Gaussian, annealed, dequantise, laplace, simulate, starting_codes, with_noise
from stages.judging.pixel_noise import PixelNoise
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.priors.misfit import load_misfit
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prior", default="vae")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--temperatures", type=int, nargs="+", default=[16, 64, 256, 1024])
    arguments = parser.parse_args()
    params, compute = load_params(), choose_compute()
    name, count = arguments.prior, arguments.images
    images = dequantise(pick_images("validation", count, params)[0], params.seed, "validation")
    misfit, _ = load_misfit(name)
    search = LatentSearch(load_prior(name, misfit, compute, images), params.search, params.seed, compute)
    search = with_noise(search, PixelNoise(misfit.slope))
    codes, simulated = simulate(search, count)
    identity = compute.place(torch.eye(search.prior.latent_dim).repeat(count, 1, 1))
    standard = Gaussian(identity[:, 0] * 0, identity)
    starts = {
        "N(0, I)": (standard, standard),
        "Laplace": tuple(laplace(search, own, starting_codes(search, own)) for own in (images, simulated)),
    }
    print(f"{'start':8} {'steps':>6} {'lower bound':>12} {'gap':>8}")
    for start, (of_images, of_simulated) in starts.items():
        for steps in arguments.temperatures:
            settings = params.likelihood.model_copy(update={"temperatures": steps})
            lower = annealed(search, images, of_images, settings).lower
            both = annealed(search, simulated, of_simulated, settings, codes)
            print(f"{start:8} {steps:6} {lower.mean():12.1f} {(both.upper - both.lower).mean():8.1f}", flush=True)


if __name__ == "__main__":
    main()
