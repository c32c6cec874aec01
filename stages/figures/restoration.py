"""Figures of restoration: pictures side by side, and quality against how much was lost."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.figures.style import COLOURS, DASHES, GREYS, MARKERS, NAMES, show, tile
from stages.restoration.names import METHODS

Arrays = dict[str, np.ndarray]  # what a restoration stage saved for one loss


def inversion_panels(inverted: dict[str, Arrays], each: int = 5) -> Figure:
    """Image, G(z*) of the best search and their difference, for `each` images of every source."""
    first = next(iter(inverted.values()))
    sources = list(dict.fromkeys(first["source"].tolist()))
    each = min(each, len(first["source"]) // len(sources))
    picked = np.concatenate([np.flatnonzero(first["source"] == source)[:each] for source in sources])
    rows: list[tuple[str, str, np.ndarray, dict]] = []
    for loss, arrays in inverted.items():
        images, found = arrays["images"][picked], arrays["whitened"][picked]
        signed = {} if images.shape[1] == 3 else {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}
        difference = np.abs(found - images) if images.shape[1] == 3 else found - images
        rows.append(("image", "black", images, {}))
        rows.append((f"G(z*)\n{NAMES[loss]}", COLOURS[loss], found, {}))
        rows.append(("difference", COLOURS[loss], difference, signed))
    figure, axes = plt.subplots(
        len(rows), len(sources), figsize=(3.6 * len(sources), 0.85 * len(rows)), squeeze=False, layout="constrained"
    )
    for axes_row, (label, colour, pictures, limits) in zip(axes, rows, strict=True):
        for column, panel in enumerate(axes_row):
            show(panel, tile(pictures[column * each : (column + 1) * each], columns=each), **limits)
        axes_row[0].set_ylabel(label, color=colour, rotation=0, ha="right", va="center")
    for panel, source in zip(axes[0], sources, strict=True):
        panel.set_title(f"{source} images")
    return figure


def denoising_panels(denoised: dict[str, Arrays], each: int = 2) -> Figure:
    """The first test images at every sigma: as observed, then as each method restores them with each loss."""
    conditions = np.unique(next(iter(denoised.values()))["sigma"])
    return _condition_panels(denoised, "sigma", conditions, "sigma {:g}", each)


def inpainting_panels(inpainted: dict[str, Arrays], each: int = 4) -> Figure:
    """The first test images with every number of windows: as observed, then as each method restores them."""
    conditions = np.unique(next(iter(inpainted.values()))["holes"])
    return _condition_panels(inpainted, "holes", conditions, "{} missing", each)


def _condition_panels(restored: dict[str, Arrays], key: str, conditions: np.ndarray, title: str, each: int) -> Figure:
    first = next(iter(restored.values()))
    each = min(each, len(first[key]) // len(conditions))
    rows = [("original", "black", first["images"]), ("observed", "black", _greyed(first))]
    for loss, arrays in restored.items():
        rows += [(f"{method}, {NAMES[loss]}", COLOURS[loss], arrays[method]) for method in METHODS]
    figure, axes = plt.subplots(
        len(rows),
        len(conditions),
        figsize=(0.75 * each * len(conditions) + 1, 0.75 * len(rows)),
        squeeze=False,
        layout="constrained",
    )
    for axes_row, (label, colour, pictures) in zip(axes, rows, strict=True):
        for panel, condition in zip(axes_row, conditions, strict=True):
            show(panel, tile(pictures[first[key] == condition][:each], columns=each))
        axes_row[0].set_ylabel(label, color=colour, rotation=0, ha="right", va="center")
    for panel, condition in zip(axes[0], conditions, strict=True):
        panel.set_title(title.format(condition))
    return figure


def _greyed(arrays: Arrays) -> np.ndarray:
    """The observed images, with hidden pixels in mid-grey so that they do not pass for black."""
    return np.where(arrays["mask"], arrays["observed"], 0.4) if "mask" in arrays else arrays["observed"]


def quality_curves(table: pd.DataFrame, x: str, y: str, labels: tuple[str, str]) -> Figure:
    """`y` against `x` with its 95 % interval: on the left all methods of all losses, on the right the best and rivals.

    A colour a loss; solid for the posterior mean, dash-dotted for map, dashed for plain; in grey what has no loss.
    """
    figure, (own, rivals) = plt.subplots(1, 2, figsize=(11, 5), sharey=True, layout="constrained")
    table = table[table[y].notna()]  # infinite, at sigma 0
    baselines = [method for method in table[table.loss == "none"].method.unique() if method != "observed"]
    for (loss, method), curve in table.groupby(["loss", "method"], sort=False):
        if method in baselines:
            grey, marker = GREYS[baselines.index(method)], MARKERS[baselines.index(method)]
            rivals.plot(curve[x], curve[y], "-", color=grey, marker=marker, markersize=4, lw=0.8, label=method)
            continue
        name = method if loss == "none" else f"{method}, {NAMES[loss]}"
        for panel in (own, rivals):
            if panel is own or method == "posterior_mean":
                panel.plot(curve[x], curve[y], DASHES[method], color=COLOURS[loss], marker=".", label=name)
                low, high = curve[f"{y}_low"], curve[f"{y}_high"]
                panel.fill_between(curve[x], low, high, color=COLOURS[loss], alpha=0.12, lw=0)
    for panel, title in ((own, "by loss and method"), (rivals, "posterior mean and what needs no GAN")):
        panel.set_title(title)
        panel.set_xlabel(labels[0])
        panel.set_xticks(sorted(table[x].unique()))
        panel.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
    own.set_ylabel(labels[1])
    return figure


def completion_panels(loss: str, arrays: Arrays, each: int = 4, draws: int = 5) -> Figure:
    """A row an image with the most windows: seen, mean, spread, and what several chains think it was."""
    picked = np.flatnonzero(arrays["holes"] == arrays["holes"].max())[:each]
    draws = min(draws, arrays["completions"].shape[1])
    columns = {
        "original": arrays["images"][picked],
        "observed": _greyed(arrays)[picked],
        "posterior mean": arrays["posterior_mean"][picked],
        "standard deviation": arrays["posterior_std"][picked] / 0.5,  # 0.5: as uncertain as a pixel can be
    } | {f"chain {number + 1}": arrays["completions"][picked, number] / 255 for number in range(draws)}
    figure, axes = plt.subplots(
        len(picked), len(columns), figsize=(1.25 * len(columns), 1.3 * len(picked)), squeeze=False, layout="constrained"
    )
    for row, index in zip(axes, range(len(picked)), strict=True):
        for panel, (title, pictures) in zip(row, columns.items(), strict=True):
            show(panel, tile(pictures[index : index + 1], columns=1))
            if index == 0:
                panel.set_title(title, fontsize=8)
    for row, index in zip(axes, picked, strict=True):
        for panel, weight in zip(row[4:], arrays["chain_weights"][index], strict=False):
            panel.set_xlabel(f"{100 * weight:.0f}%", fontsize=7, labelpad=1)
    figure.suptitle(f"{NAMES[loss]}, {arrays['holes'].max()} windows; white: a standard deviation of 0.5", fontsize=9)
    return figure


def calibration_curves(calibration: pd.DataFrame) -> Figure:
    """Coverage of the 50 % and 90 % intervals on ink and the chains' split R-hat, against sigma and windows."""
    tasks = list(calibration.task.unique())
    figure, axes = plt.subplots(2, len(tasks), figsize=(5 * len(tasks), 5.4), squeeze=False, layout="constrained")
    for (coverage, agreement), task in zip(axes.T, tasks, strict=True):
        for loss, rows in calibration[calibration.task == task].groupby("loss", sort=False):
            for nominal, dash in ((50, "--"), (90, "-")):
                name = f"coverage_{nominal}"
                coverage.plot(rows.condition, rows[name], dash, color=COLOURS[loss], marker=".", label=NAMES[loss])
                low, high = rows[f"{name}_low"], rows[f"{name}_high"]
                coverage.fill_between(rows.condition, low, high, color=COLOURS[loss], alpha=0.12, lw=0)
            agreement.plot(rows.condition, rows.r_hat, "-", color=COLOURS[loss], marker=".", label=NAMES[loss])
        for nominal in (0.5, 0.9):
            coverage.axhline(nominal, color=COLOURS["none"], linestyle=":")
        coverage.set_ylim(0, 1)
        coverage.set_title(task)
        agreement.axhline(1, color=COLOURS["none"], linestyle=":")
        agreement.set_xlabel("noise sigma" if task == "denoising" else "missing windows")
        agreement.set_xticks(sorted(calibration[calibration.task == task].condition.unique()))
        coverage.set_xticks(agreement.get_xticks())
    axes[0, 0].set_ylabel("share of ink inside the interval\nsolid: 90 %, dashed: 50 %")
    axes[1, 0].set_ylabel("split R-hat of the energy, median")
    axes[1, 0].legend(fontsize=8)
    return figure


def norm_table(norms: pd.DataFrame) -> Figure:
    """PSNR of every norm, without and with the prior, under every corruption; the best of each column in bold."""
    corruptions = list(norms.corruption.unique())
    rows = list(norms[["norm", "prior"]].drop_duplicates().itertuples(index=False, name=None))
    cells = norms.set_index(["norm", "prior", "corruption"]).psnr
    scores = np.array([[cells[norm, prior, corruption] for corruption in corruptions] for norm, prior in rows])
    behind = scores - scores.max(axis=0)  # of the best in the column
    figure, axes = plt.subplots(figsize=(1.05 * len(corruptions) + 1.6, 0.42 * len(rows) + 1), layout="constrained")
    axes.imshow(behind, cmap="YlGn", vmin=-6, vmax=4, aspect="auto")  # short of the greens too dark to read on
    for (row, column), score in np.ndenumerate(scores):
        bold = "bold" if behind[row, column] == 0 else "normal"
        axes.text(column, row, f"{score:.1f}", ha="center", va="center", fontweight=bold, fontsize=8)
    axes.set_xticks(range(len(corruptions)), [name.replace("_", "\n") for name in corruptions], fontsize=8)
    axes.set_yticks(range(len(rows)), [f"{norm}, prior {prior}" for norm, prior in rows], fontsize=8)
    axes.xaxis.tick_top()
    axes.grid(False)
    axes.set_xlabel("PSNR, dB: of the whole image, under windows of the hidden pixels; colour: dB behind the best")
    return figure


def solver_curves(solvers: pd.DataFrame, restarts: pd.DataFrame) -> Figure:
    """Squared error and PSNR of inversion against steps and seconds an image, a line a solver; best of R against R."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 6.2), layout="constrained")
    for column, (x, label) in enumerate(
        (("steps", "steps after exploring (newton: Jacobians)"), ("seconds", "seconds an image"))
    ):
        for row, (y, name) in enumerate((("squared_error", "squared error a pixel"), ("psnr", "PSNR, dB"))):
            for number, (solver, curve) in enumerate(solvers.groupby("solver", sort=False)):
                axes[row, column].plot(curve[x], curve[y], "-", color=f"C{number}", marker=".", label=solver)
            axes[row, column].set_xscale("log")
            axes[row, column].set_xlabel(label)
            axes[row, column].set_ylabel(name)
            if row == 0:
                axes[row, column].set_yscale("log")
    axes[0, 2].plot(restarts.restarts, restarts.psnr, "-", color="black", marker=".")
    axes[0, 2].set_xscale("log", base=2)
    axes[0, 2].set_xticks(restarts.restarts, restarts.restarts)
    axes[0, 2].set_xlabel("R starts, whitened, of which the best counts")
    axes[0, 2].set_ylabel("PSNR, dB")
    axes[1, 2].axis("off")
    handles, names = axes[0, 0].get_legend_handles_labels()
    axes[1, 2].legend(handles, names, loc="upper left")
    return figure
