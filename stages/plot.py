"""Tables and images -> plots/figures/: every figure as a PNG."""

from stages.pipeline import named
from stages.pipeline.artifacts import FIGURES
from stages.pipeline.command import no_arguments
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish_folder
from stages.report.study import Study
from stages.report.style import figure_writer


def main() -> None:
    no_arguments(__doc__)
    study = Study(load_params())
    drawn = [named.module(named.FIGURES, name).draw(study) for name in named.names(named.FIGURES)]
    names = [name for own in drawn for name in own]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{named.FIGURES}: {twice[0]}.png is drawn by two of them")
    figures = {f"{name}.png": figure_writer(figure) for own in drawn for name, figure in own.items()}
    publish_folder(FIGURES, ".png", figures)
