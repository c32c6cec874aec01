"""A trained generator -> data/solvers/: how fast which solver inverts validation images. Seconds vary by machine."""

from stages.gan.networks import load_for_search
from stages.pipeline.artifacts import MISFIT, MODELS, SOLVERS, load_number, save_table
from stages.pipeline.command import run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.restoration.names import usual_loss
from stages.restoration.objective import Misfit
from stages.restoration.solvers import best_of_restarts, compare_solvers


def main() -> None:
    params, compute = load_params(), choose_compute()
    loss = usual_loss(params.losses)
    generator = compute.place(load_for_search(MODELS / loss / "generator.safetensors"))
    images, _ = pick_images("validation", params.solvers.images, params.seed)
    say(f"solvers: {loss}: {compute}")
    settings = {
        "latent_dim": generator.shape["latent_dim"],
        "settings": params.search.map,
        "walks": params.invert.walks,
        "seed": params.seed,
        "compute": compute,
    }
    restarts = best_of_restarts(generator, images, restarts=params.solvers.restarts, **settings)
    save_table(SOLVERS / "restarts.csv", restarts)
    misfit = Misfit(load_number(MISFIT / f"{loss}.json", "fitted_slope"))
    solvers = compare_solvers(generator, images, misfit=misfit, lengths=params.solvers, **settings)
    save_table(SOLVERS / "solvers.csv", solvers)


if __name__ == "__main__":
    run(main)
