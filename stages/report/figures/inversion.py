"""Images, their inversions and the differences."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from stages.report.shades import difference
from stages.report.study import Seen, Study
from stages.report.style import colours, readable, show, side, tile
from stages.restoration.restored import WHITENED

WIDTH, SIDE = 3.6, 0.72  # inches of the images of one source at most, and of one image at least


def draw(study: Study) -> dict[str, Figure]:
    return {"inversion": inversion_panels({prior: study.inverted(prior) for prior in study.priors})}


def inversion_panels(inverted: dict[str, Seen], each: int = 5) -> Figure:
    """Image, G(z*) of the best search and their difference, for `each` images of every source, or fewer large ones.

    What G(z*) has too much of is red where the images are grey, and brighter than mid-grey where they have colours.
    """
    palette = colours(inverted)
    first = next(iter(inverted.values())).observed
    sources = first.conditions
    inches = side(first.images, SIDE)
    each = min(each, int(WIDTH / inches), int(first.cell(sources[0]).sum()))
    picked = np.concatenate([np.flatnonzero(first.cell(source))[:each] for source in sources])
    rows: list[tuple[str, str, np.ndarray, dict]] = []
    for prior, seen in inverted.items():
        images, found = seen.observed.images[picked], seen.restored.images[WHITENED][picked]
        signed: dict = {} if images.shape[1] == 3 else {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}
        error = difference(found, images) if images.shape[1] == 3 else found - images
        rows.append(("image", "black", images, {}))
        rows.append((f"G(z*)\n{readable(prior)}", palette[prior], found, {}))
        rows.append(("difference", palette[prior], error, signed))
    size = (inches * each * len(sources) + 1, (inches + 0.13) * len(rows))
    figure, axes = plt.subplots(len(rows), len(sources), figsize=size, squeeze=False, layout="constrained")
    for axes_row, (label, colour, pictures, limits) in zip(axes, rows, strict=True):
        for column, panel in enumerate(axes_row):
            show(panel, tile(pictures[column * each : (column + 1) * each], columns=each), **limits)
        axes_row[0].set_ylabel(label, color=colour, rotation=0, ha="right", va="center")
    for panel, source in zip(axes[0], sources, strict=True):
        panel.set_title(f"{source} images")
    return figure
