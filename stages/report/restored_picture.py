"""What a person gets who has a picture of their own restored: files, and what to make of them in words."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stages.images.own_picture import png_writer
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.storage import array_writer, publish
from stages.report.shades import HIDDEN, MOST_UNCERTAIN, uncertainty
from stages.report.style import figure_writer, panel_rows, show
from stages.restoration.observation import Observation
from stages.restoration.restored import POSTERIOR_MEAN, Restored

CHAINS_DIFFER = 1.25  # split R-hat that nine in ten validation digits with windows keep below, with the VAE's flow


def publish_result(folder: Path, observation: Observation, restored: Restored, dark: bool) -> list[str]:
    """Write what was observed and what was found of one picture; what to say about it, a line each.

    Pictures are as dark as the person's own, whose ink may be `dark`; arrays are as the generator sees them.
    """
    y, mask = observation.y[0], observation.mask[0]
    std, r_hat = restored.spread["posterior_std"][0], restored.spread["r_hat"][0]
    shown = {
        "observed": np.where(mask, _as_given(y, dark), HIDDEN),
        "restored": _as_given(restored.images[POSTERIOR_MEAN][0], dark),
        "uncertainty": uncertainty(std),
    }
    completions = _as_given(to_float(restored.spread["completions"][0]), dark)
    chains = list(zip(restored.spread["chain_weights"][0], completions, strict=True))
    arrays = {"observed": observation.y, "mask": observation.mask, "sigma": observation.sigma}
    arrays |= restored.images | {f"{method}_codes": codes for method, codes in restored.codes.items()} | restored.spread
    files = {f"{name}.png": png_writer(levels) for name, levels in shown.items()}
    files |= {"overview.png": figure_writer(overview(shown, chains)), "result.npz": array_writer(arrays)}
    publish({folder / name: writer for name, writer in files.items()})

    notes = []
    if not observation.sigma[0] and mask.all():
        notes.append(
            "nothing is noisy (--sigma) or missing (--mask), so restored.png is observed.png; see map in result.npz"
        )
    if r_hat > CHAINS_DIFFER:
        notes.append(
            f"the chains of samples do not agree (R-hat {r_hat:.1f}, where they do it is 1); "
            "overview.png shows where each of them ended"
        )
    missing = np.broadcast_to(~mask, std.shape)
    which, spread = ("missing", std[missing]) if missing.any() else ("all", std)
    sure = f"standard deviation of {which} pixels: {spread.mean():.2f} on average, {spread.max():.2f} at most"
    return [*notes, f"{folder}/overview.png, and the same singly and as numbers; {sure}"]


def overview(shown: dict[str, np.ndarray], chains: list[tuple[float, np.ndarray]]) -> Figure:
    """Pictures (C, S, S) by their names, and where each chain of samples ended, with its weight, side by side."""
    titles = {name: f"{name}\n" for name in shown}
    titles["uncertainty"] += f"white: {MOST_UNCERTAIN:g} or more"
    titles["restored"] += "posterior mean"
    pictures = {titles[name]: picture for name, picture in shown.items()}
    for number, (weight, picture) in enumerate(chains, 1):
        pictures[f"chain {number}\nweight {weight:.0%}"] = picture
    figure, panels = panel_rows([list(pictures)], width=1.5 * len(pictures), height=2)
    for title, picture in pictures.items():
        show(panels[title], picture.transpose(1, 2, 0))
        height, width = picture.shape[1:]
        frame = Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor="0.6", linewidth=0.6, clip_on=False)
        panels[title].add_patch(frame)  # white paper would run into the page
        panels[title].set_title(title)
    return figure


def _as_given(levels: np.ndarray, dark: bool) -> np.ndarray:
    """Levels as bright as those of the picture's file, for files that a person looks at."""
    return 1 - levels if dark else levels
