"""A person's own picture -> restored/<picture's name>/: the picture restored, how sure that is, and its code.

observed.png     what the generator is given; what is missing is mid-grey
restored.png     mean of the pictures that could be behind it
uncertainty.png  their standard deviation, white being 0.5 and more
overview.png     these three, then what each chain of samples ended with, the most probable first
result.npz       all arrays, codes too
"""

import argparse
from pathlib import Path

import numpy as np

from stages.images.own_picture import load_picture
from stages.pipeline.command import Parser, between, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import Params, load_params
from stages.priors.misfit import load_misfit
from stages.report.restored_picture import advice, publish_observed, publish_restored
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.observation import Observation
from stages.restoration.restored import methods_of
from stages.restoration.side_by_side import restore


def main() -> None:
    params, compute = load_params(), choose_compute()
    arguments = _arguments(params)
    name, sigma, invert = arguments.prior, arguments.sigma, arguments.invert
    misfit, _ = load_misfit(name)
    prior = load_prior(name, misfit, compute)
    channels, size, _ = prior.image_shape
    compute = compute.for_images(size)
    picture = load_picture(arguments.picture, channels=channels, size=size, invert=invert, mask=arguments.mask)
    for note in [*picture.notes, *advice(picture, sigma, invert)]:
        say(f"restore: {note}")

    folder = arguments.output or Path("restored", arguments.picture.stem)
    observed = publish_observed(folder, picture, invert)
    say(f"restore: {name}: {compute}")
    observation = Observation(picture.levels[None], picture.known[None], np.array([sigma], dtype=np.float32))
    restored = restore(LatentSearch(prior, params.search, params.seed, compute), observation, methods_of(name))
    for note in publish_restored(folder, observed, observation, restored, invert):
        say(f"restore: {note}")


def _arguments(params: Params) -> argparse.Namespace:
    """The command line, checked but for the files that it names."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="PNG, JPEG, ... of any size; the generator works at its own size")
    noise = "its noise's standard deviation, white being 1 (0)"
    parser.add_argument("--sigma", type=between(0, 10), default=0.0, help=noise)
    parser.add_argument("--mask", type=Path, help="picture of the same size: white is known, all else is missing")
    parser.add_argument("--invert", action="store_true", help="it is dark ink on light paper: restore its negative")
    parser.add_argument("--prior", default=params.usual_prior, choices=params.searched, help=f"({params.usual_prior})")
    parser.add_argument("--output", type=Path, help="folder to write to (restored/<picture's name>)")
    return parser.parse_args()
