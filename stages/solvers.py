"""A trained generator -> data/solvers/: how fast which solver inverts validation images. Seconds vary by machine."""

from stages.gan.networks import load_for_search
from stages.pipeline.artifacts import MISFIT, MODELS, SOLVERS, load_number, save_table
from stages.pipeline.command import run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.restoration.objective import Misfit
from stages.restoration.solvers import best_of_restarts, compare_solvers


def main() -> None:
    params, compute = load_params(), choose_compute()
    loss = params.losses[-1]
    generator = compute.place(load_for_search(MODELS / loss / "generator.safetensors"))
    images, _ = pick_images("validation", params.solvers.images, params.seed)
    say(f"solvers: {loss}: {compute}")
    settings = {
        "latent_dim": generator.shape["latent_dim"],
        "misfit": Misfit(load_number(MISFIT / f"{loss}.json", "fitted_slope")),
        "settings": params.search.map,
        "lengths": params.solvers,
        "seed": params.seed,
        "compute": compute,
    }
    save_table(SOLVERS / "restarts.csv", best_of_restarts(generator, images, **settings))
    save_table(SOLVERS / "solvers.csv", compare_solvers(generator, images, **settings))


if __name__ == "__main__":
    run(main)
