"""What a person gets who has a picture of their own restored: files, and advice in words."""

from pathlib import Path

import numpy as np

from stages.images.own_picture import Picture, border_note, png_writer, side_by_side
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.storage import array_writer, publish
from stages.report.shades import HIDDEN, uncertainty
from stages.restoration.observation import Observation
from stages.restoration.restored import POSTERIOR_MEAN, Restored

CHAINS_DIFFER = 3.0  # split R-hat above that of nine in ten validation images with windows


def advice(picture: Picture, sigma: float, inverted: bool) -> list[str]:
    """Advice about likely mistakes in the command."""
    notes = border_note(picture, sigma, inverted)
    if sigma > 0 and picture.scale != 1:
        notes.append(f"sigma = {sigma:g} is taken as the noise after this change of size, not that of the file")
    if sigma == 0 and picture.known.all():
        notes.append("nothing is noisy (--sigma) or missing (--mask), so restored.png will be the picture itself")
    return notes


def publish_observed(folder: Path, picture: Picture, inverted: bool) -> np.ndarray:
    """Write and return the picture as the generator is given it.

    This comes before the search, so that a folder that cannot be written to is found at once.
    """
    observed = np.where(picture.known, _as_given(picture.levels, inverted), HIDDEN)
    publish({folder / "observed.png": png_writer(observed)})
    return observed


def publish_restored(
    folder: Path, observed: np.ndarray, observation: Observation, restored: Restored, inverted: bool
) -> list[str]:
    """Write what was found beside it; what to say about it, a line each."""
    std, r_hat = restored.spread["posterior_std"][0], restored.spread["r_hat"][0]
    shown = {
        "restored.png": _as_given(restored.images[POSTERIOR_MEAN][0], inverted),
        "uncertainty.png": uncertainty(std),
    }
    completions = _as_given(to_float(restored.spread["completions"][0]), inverted)
    pictures = [np.broadcast_to(picture, observed.shape) for picture in (observed, *shown.values(), *completions)]
    overview = side_by_side(np.stack(pictures))
    arrays = {"observed": observation.y, "mask": observation.mask, "sigma": observation.sigma}
    arrays |= restored.images | {f"{method}_codes": codes for method, codes in restored.codes.items()} | restored.spread
    files = {name: png_writer(levels) for name, levels in (shown | {"overview.png": overview}).items()}
    files["result.npz"] = array_writer(arrays)
    publish({folder / name: writer for name, writer in files.items()})

    missing = np.broadcast_to(~observation.mask[0], std.shape)
    which, spread = ("missing", std[missing]) if missing.any() else ("all", std)
    notes = [
        f"{folder}: wrote observed.png, {', '.join(shown)}, overview.png, result.npz; standard deviation of "
        f"{which} pixels: {spread.mean():.2f} on average, {spread.max():.2f} at most"
    ]
    if r_hat > CHAINS_DIFFER:
        notes.append(
            f"the chains of samples differ more than usual (R-hat {r_hat:.1f}, where they agree it is 1); "
            "overview.png shows where each of them ended"
        )
    return notes


def _as_given(levels: np.ndarray, inverted: bool) -> np.ndarray:
    """Levels as bright as those of the picture's file, for files that a person looks at."""
    return 1 - levels if inverted else levels
