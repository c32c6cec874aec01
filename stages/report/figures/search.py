"""How fast which solver inverts: by steps, which are the same everywhere, and by seconds, which are not."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from stages.pipeline.artifacts import SOLVERS
from stages.pipeline.errors import UserError
from stages.report.study import Study


def draw(study: Study) -> dict[str, Figure]:
    solvers = study.solvers()
    timed = solvers.merge(study.seconds(), on=["solver", "steps"])
    if len(timed) != len(solvers):
        raise UserError(f"{SOLVERS / 'seconds.csv'}: has not the rows of solvers.csv: run `dvc repro`")
    return {"search": solver_curves(solvers, study.restarts()), "search_seconds": solver_seconds(timed)}


def solver_curves(solvers: pd.DataFrame, restarts: pd.DataFrame) -> Figure:
    """Squared error and PSNR of inversion against steps, a line a solver; best of R starts against R."""
    figure, (error, quality, starts) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    _lines((error, quality), solvers, "steps", "steps after exploring (newton: Jacobians)")
    starts.plot(restarts.restarts, restarts.psnr, "-", color="black", marker=".")
    starts.set_xscale("log", base=2)
    starts.set_xticks(restarts.restarts, restarts.restarts)
    starts.set_xlabel("R starts, whitened, of which the best counts")
    starts.set_ylabel("PSNR, dB")
    return figure


def solver_seconds(timed: pd.DataFrame) -> Figure:
    """Squared error and PSNR of inversion against seconds an image, a line a solver."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
    _lines(axes, timed, "seconds", "seconds an image, on the machine of this run")
    return figure


def _lines(axes: tuple[Axes, Axes], solvers: pd.DataFrame, x: str, label: str) -> None:
    for panel, y, name in zip(axes, ("squared_error", "psnr"), ("squared error a pixel", "PSNR, dB"), strict=True):
        for number, (solver, curve) in enumerate(solvers.groupby("solver", sort=False)):
            panel.plot(curve[x], curve[y], "-", color=f"C{number}", marker=".", label=solver)
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_xlabel(label)
        panel.set_ylabel(name)
    axes[0].set_yscale("log")
    axes[0].legend()
