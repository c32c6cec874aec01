"""Tables and images -> plots/: every figure as a PNG."""

from stages.pipeline import named
from stages.pipeline.artifacts import PLOTS
from stages.pipeline.command import no_arguments
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.report.study import Study
from stages.report.style import figure_writer


def main() -> None:
    no_arguments(__doc__)
    study = Study(load_params())
    drawn = [named.module(named.FIGURES, name).draw(study) for name in named.names(named.FIGURES)]
    publish({PLOTS / f"{name}.png": figure_writer(figure) for own in drawn for name, figure in own.items()})
