"""How likely test images are under each prior, and how far the estimate can be off."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from stages.judging.bits import GAP, LIKELIEST, LOWER, MISFIT, SIMULATED, TEST
from stages.report.study import Study
from stages.report.style import GREY, colours, readable

MARKERS = {LIKELIEST: "o", MISFIT: "D"}  # filled, and hollow: the misfit of restorations


def draw(study: Study) -> dict[str, Figure]:
    return {"likelihood": likelihood_dots(study.table("likelihood"))}


def likelihood_dots(likelihood: pd.DataFrame) -> Figure:
    """A row for each prior: bits per dimension of test images, and the gap between bounds of its own images' log p(x).

    A panel each, of both noises, with 95 % intervals.
    """
    palette, priors = colours(likelihood.prior), list(likelihood.prior.unique())
    size = (11, 0.34 * len(priors) + 1.5)
    figure, (bits, gap) = plt.subplots(1, 2, figsize=size, sharey=True, width_ratios=[3, 2], layout="constrained")
    for place, prior in enumerate(priors):
        for noise, marker in MARKERS.items():
            own = likelihood[(likelihood.prior == prior) & (likelihood.noise == noise)]
            for panel, images, bound, value, ends in (
                (bits, TEST, LOWER, "bits_per_dim", ("low", "high")),
                (gap, SIMULATED, GAP, "nats", ("nats_low", "nats_high")),
            ):
                (row,) = own[(own.images == images) & (own.bound == bound)].to_dict("records")
                height = place + (0.14 if noise == MISFIT else -0.14)
                panel.plot([row[end] for end in ends], [height, height], color=palette[prior], linewidth=1.5)
                face = "white" if noise == MISFIT else palette[prior]
                panel.plot(row[value], height, marker, color=palette[prior], markerfacecolor=face, markersize=6)
    bits.set_yticks(range(len(priors)), [readable(prior) for prior in priors])
    bits.set_ylim(len(priors) - 0.5, -0.5)
    bits.set_xlabel("bits per dimension of 8-bit test images; less is likelier")
    gap.set_xlabel("upper - lower bound of log p(x), nats,\nof the prior's own images")
    gap.axvline(0, color=GREY, linestyle=":")
    words = {LIKELIEST: "noise fitted to validation images", MISFIT: "noise that restorations use"}
    for noise, marker in MARKERS.items():
        face = GREY if noise == LIKELIEST else "white"
        bits.plot([], [], marker, color=GREY, markerfacecolor=face, label=words[noise])
    figure.legend(*bits.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
