"""A trained prior -> data/solvers/: how fast which solver inverts validation images. Seconds vary by machine."""

import pandas as pd

from stages.images.picking import pick_images
from stages.pipeline.artifacts import SOLVERS
from stages.pipeline.command import no_arguments, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.priors.misfit import load_misfit
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.studies.solvers import best_of_restarts, compare_solvers


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    name, walks = params.usual_prior, params.invert.walks
    images, _ = pick_images("validation", params.solvers.images, params)
    compute = choose_compute().for_images(images.shape[-1])
    _, fitted = load_misfit(name)
    search = LatentSearch(load_prior(name, fitted, compute, images), params.search, params.seed, compute)
    say(f"time_solvers: {name}: {compute}")
    restarts = best_of_restarts(search, images, walks, params.solvers.restarts)
    solvers = pd.DataFrame(compare_solvers(search, images, walks, params.solvers))
    tables = {
        "restarts": pd.DataFrame(restarts),
        "solvers": solvers.drop(columns="seconds"),
        "seconds": solvers[["solver", "steps", "seconds"]],  # in a table of its own: all else is the same every time
    }
    publish({SOLVERS / f"{table}.csv": table_writer(rows) for table, rows in tables.items()})
