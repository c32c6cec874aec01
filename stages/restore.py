"""A person's own picture -> restored/<picture's name>/: the picture restored, how sure that is, and its code.

observed.png     what the generator is given; what is missing is mid-grey
restored.png     mean of the pictures that could be behind it
uncertainty.png  their standard deviation, white being 0.5 and more
overview.png     these three, then what each chain of samples ended with, the most probable first
result.npz       all arrays, codes and 50 and 90 % intervals too

A drawing, photographed or not, is found and becomes a digit as MNIST has them: white on black, with MNIST's margin.
"""

import argparse
from pathlib import Path

import numpy as np

from stages.images.own_picture import INK_COLOURS, Look, folder_name, load_picture
from stages.pipeline.command import Parser, between, say
from stages.pipeline.params import Params, load_params
from stages.pipeline.storage import new_folder
from stages.priors.trained import IN_REPOSITORY, image_shape
from stages.restoration.observation import Observation


def main() -> None:
    params = load_params()
    arguments = _arguments(params)
    mnist = params.data.name == "mnist"
    channels, size = image_shape(arguments.prior, in_repository=mnist)
    look = Look(channels, size, mnist and not arguments.as_is, arguments.ink)
    picture = load_picture(arguments.picture, look, arguments.sigma, arguments.mask)
    named = arguments.output is not None
    with new_folder(Path(arguments.output) if named else folder_name(arguments.picture), numbered=not named) as folder:
        for note in picture.notes:
            say(f"restore: {note}")
        # Only here, since torch takes seconds to import, and mistakes are to be told at once.
        from stages.report.restored_picture import publish_result
        from stages.restoration.one_picture import restore_one

        sigma = np.array([picture.sigma], dtype=np.float32)
        observation = Observation(picture.levels[None], picture.known[None], sigma)
        restored = restore_one(arguments.prior, observation, params)
        for note in publish_result(folder, observation, restored, picture.dark):
            say(f"restore: {note}")


def _arguments(params: Params) -> argparse.Namespace:
    """The command line, checked but for the files that it names."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="PNG, JPEG, ... of any size; the generator works at its own size")
    noise = "standard deviation of the file's noise, white being 1 (0)"
    parser.add_argument("--sigma", type=between(0, 10), default=0.0, help=noise)
    parser.add_argument("--mask", type=Path, help="picture of the same size: white is known, all else is missing")
    parser.add_argument("--ink", choices=INK_COLOURS, help="the drawing is lighter or darker than its paper (found)")
    as_is = "take levels and margin as they are: no drawing is looked for, no picture refused"
    parser.add_argument("--as-is", action="store_true", help=as_is)
    prior = f"({params.default_prior}); {', '.join(IN_REPOSITORY)} are in the repository, `dvc repro` makes the others"
    parser.add_argument("--prior", default=params.default_prior, choices=params.searched, help=prior)
    parser.add_argument("--output", help="a new folder to write to (restored/<picture's name>, with a number if taken)")
    return parser.parse_args()
