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

from stages.gan.networks import load_for_search
from stages.pipeline.artifacts import MISFIT, MODELS, load_number, save_arrays
from stages.pipeline.command import Parser, run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.errors import UserError
from stages.pipeline.params import Params, load_params
from stages.pipeline.pictures import Picture, border_note, load_picture, save_image, side_by_side
from stages.restoration.methods import restore
from stages.restoration.names import usual_loss
from stages.restoration.objective import Misfit
from stages.restoration.observation import Observation

RESTORED = Path("restored")
CHAINS_DIFFER = 3.0  # split R-hat above that of nine in ten validation images with windows
MISSING_GREY = 0.4  # how missing pixels are shown
MOST_UNCERTAIN = 0.5  # standard deviation, shown as white: that of a pixel that is black or white with equal odds


def main() -> None:
    params = load_params()
    arguments = _arguments(params)
    loss, sigma, invert = arguments.loss, arguments.sigma, arguments.invert
    compute = choose_compute()
    generator = compute.place(load_for_search(MODELS / loss / "generator.safetensors"))
    misfit = Misfit(load_number(MISFIT / f"{loss}.json", "slope"))
    channels, size = generator.shape["channels"], generator.shape["image_size"]
    picture = load_picture(arguments.picture, channels=channels, size=size, invert=invert, mask=arguments.mask)
    for note in [*picture.notes, *_advice(picture, sigma, invert)]:
        say(f"restore: {note}")

    # Before the search, so that a folder which cannot be written is found at once.
    folder = arguments.output or RESTORED / arguments.picture.stem
    observed = np.where(picture.known, _as_given(picture.levels, invert), MISSING_GREY)
    save_image(folder / "observed.png", observed)
    say(f"restore: {loss}: {compute}")
    observation = Observation(picture.levels[None], picture.known[None], np.array([sigma], dtype=np.float32))
    restored = restore(
        generator,
        observation,
        latent_dim=generator.shape["latent_dim"],
        misfit=misfit,
        search=params.search,
        seed=params.seed,
        compute=compute,
    )
    mean, std, r_hat = (restored[name][0] for name in ("posterior_mean", "posterior_std", "r_hat"))
    shown = {"restored.png": _as_given(mean, invert), "uncertainty.png": std / MOST_UNCERTAIN}
    completions = _as_given(restored["completions"][0] / 255, invert)
    for name, levels in shown.items():
        save_image(folder / name, levels)
    save_image(folder / "overview.png", side_by_side(np.stack([observed, *shown.values(), *completions])))
    seen = {"observed": observation.y, "mask": observation.mask, "sigma": observation.sigma}
    save_arrays(folder / "result.npz", seen | restored)

    missing = np.broadcast_to(~picture.known, std.shape)
    which, spread = ("missing", std[missing]) if missing.any() else ("all", std)
    say(
        f"restore: {folder}: wrote observed.png, {', '.join(shown)}, overview.png, result.npz; standard deviation of "
        f"{which} pixels: {spread.mean():.2f} on average, {spread.max():.2f} at most"
    )
    if r_hat > CHAINS_DIFFER:
        say(
            f"restore: the chains of samples differ more than usual (R-hat {r_hat:.1f}, where they agree it is 1); "
            "overview.png shows where each of them ended"
        )


def _arguments(params: Params) -> argparse.Namespace:
    """The command line, checked but for the files that it names."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="PNG, JPEG, ... of any size; the generator works at its own size")
    parser.add_argument("--sigma", type=float, default=0.0, help="its noise's standard deviation, white being 1 (0)")
    parser.add_argument("--mask", type=Path, help="picture of the same size: white is known, all else is missing")
    parser.add_argument("--invert", action="store_true", help="it is dark ink on light paper: restore its negative")
    losses, usual = params.losses, usual_loss(params.losses)
    parser.add_argument("--loss", default=usual, help=f"which GAN: {', '.join(losses)} ({usual})")
    parser.add_argument("--output", type=Path, help=f"folder to write to ({RESTORED}/<picture's name>)")
    arguments = parser.parse_args()
    if not 0 <= arguments.sigma <= 10:  # NaN too
        raise UserError(f"--sigma = {arguments.sigma:g}: allowed are 0 to 10")
    if arguments.loss not in losses:
        raise UserError(f"--loss = {arguments.loss}: allowed are the losses of params.yaml: {', '.join(losses)}")
    return arguments


def _advice(picture: Picture, sigma: float, inverted: bool) -> list[str]:
    """What the user may not have meant, in words."""
    advice = border_note(picture, sigma, inverted)
    if sigma > 0 and picture.scale != 1:
        advice.append(f"sigma = {sigma:g} is taken as the noise after this change of size, not that of the file")
    if sigma == 0 and picture.known.all():
        advice.append("nothing is noisy (--sigma) or missing (--mask), so restored.png will be the picture itself")
    return advice


def _as_given(levels: np.ndarray, inverted: bool) -> np.ndarray:
    """Levels as bright as those of the picture's file, for files that a person looks at."""
    return 1 - levels if inverted else levels


if __name__ == "__main__":
    run(main)
