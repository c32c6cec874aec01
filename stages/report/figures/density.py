"""What has a density and what has none: bits of images under a flow, and how a generator's Jacobian falls off."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from stages.pipeline.artifacts import FLOW, prior_and_latent
from stages.report.study import Study
from stages.report.style import GREY, by_prior, colours, panel_rows, readable

MADE = "#222222"  # of test images and what is made of them
NAMED = {FLOW: "drawn by the flow itself", "inverted": "negatives"}  # "inverted" are elsewhere what a prior redraws


def draw(study: Study) -> dict[str, Figure]:
    dimensions = int(study.real().observed.images[0].size)
    return {"density": density_figure(study.table("density"), study.table("jacobian"), dimensions)}


def density_figure(density: pd.DataFrame, jacobian: pd.DataFrame, dimensions: int) -> Figure:
    """Bits per dimension by kind of images, and singular values of dG/dz by prior, up to as many as `dimensions`."""
    figure, axes = panel_rows([["bits", "jacobian"]], width=11, height=4.4)
    palette = colours(jacobian.prior)
    _bits(axes["bits"], density[density.model == FLOW], palette)
    panel = axes["jacobian"]
    for prior, rows in by_prior(jacobian):
        panel.plot(rows["index"], rows.singular_value, "-", color=palette[prior], label=readable(prior))
        panel.fill_between(rows["index"], rows.low, rows.high, color=palette[prior], alpha=0.15, linewidth=0)
    last = int(jacobian["index"].max())
    panel.axvspan(last, dimensions, color=GREY, alpha=0.12, linewidth=0)
    panel.text(
        (last + dimensions) / 2,
        0.5,
        f"zero from {last + 1} to {dimensions}",
        ha="center",
        transform=panel.get_xaxis_transform(),
        color=GREY,
    )
    panel.set_xlim(0, dimensions)
    panel.set_yscale("log")
    panel.set_xlabel("index, sorted")
    panel.set_ylabel("singular value of dG/dz at z ~ N(0, I)")
    panel.set_title("a generator moves the image in few directions")
    panel.legend(loc="upper right")
    return figure


def _bits(panel: Axes, bits: pd.DataFrame, palette: dict[str, str]) -> None:
    """A dot with its 95 % interval for each kind of images; dashed: test images."""
    (test,) = bits[bits.images == "test"].bits_per_dim
    panel.axvline(test, color=MADE, linestyle="--", linewidth=1)
    cells = bits[["bits_per_dim", "low", "high"]].to_numpy()
    for place, (images, (mean, low, high)) in enumerate(zip(bits.images, cells, strict=True)):
        colour = palette.get(prior_and_latent(images)[0], MADE)
        panel.plot([low, high], [place, place], "-", color=colour, linewidth=3)
        panel.plot([mean], [place], "o", color=colour)
        number = f"{mean:.2f}" if mean < 100 else f"{mean:.0f}"
        panel.annotate(number, (mean, place), (7, -3), textcoords="offset points", fontsize=8)
    panel.set_yticks(range(len(bits)), [_label(images, palette) for images in bits.images])
    panel.invert_yaxis()
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.margins(x=0.2)
    panel.set_xlabel("bits per dimension under the flow: less is likelier")
    panel.set_title("a flow has a density")
    panel.grid(axis="y", visible=False)


def _label(images: str, palette: dict[str, str]) -> str:
    """A kind of images in words."""
    if images in NAMED:
        return NAMED[images]
    drawn = prior_and_latent(images)[0] in palette
    return f"drawn by {readable(images)}" if drawn else images.replace("_", " ")
