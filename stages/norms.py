"""A trained generator -> data/norms/norms.npz: test images restored with different norms from different corruptions."""

import numpy as np

from stages.gan.networks import load_for_search
from stages.pipeline.artifacts import MISFIT, MODELS, NORMS, load_number, save_arrays
from stages.pipeline.command import run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.restoration.methods import compare_norms, typical_misfit
from stages.restoration.names import usual_loss
from stages.restoration.norms import salt_and_pepper
from stages.restoration.objective import Misfit
from stages.restoration.observation import clean, draw_windows, masked, noisy, stack

SIGMAS, HOLES = (0.1, 0.3, 0.5, 1.0), (1, 2, 3)


def main() -> None:
    params, compute = load_params(), choose_compute()
    loss, count, seed = usual_loss(params.losses), params.norms.images, params.seed
    generator = compute.place(load_for_search(MODELS / loss / "generator.safetensors"))
    misfit = Misfit(load_number(MISFIT / f"{loss}.json", "slope"))
    images, _ = pick_images("test", count, seed)
    say(f"norms: {loss}: {compute}")

    corruptions = {"clean": clean(images)}
    corruptions |= {f"noise_{sigma:g}": noisy(images, sigma, seed) for sigma in SIGMAS}
    corruptions |= {
        f"windows_{holes}": masked(images, draw_windows(images, holes, params.inpaint.window, seed)) for holes in HOLES
    }
    corruptions["salt_and_pepper"] = salt_and_pepper(images, params.norms.salt_and_pepper, seed)
    observation = stack(list(corruptions.values()))
    restored = compare_norms(
        generator,
        observation,
        latent_dim=generator.shape["latent_dim"],
        misfit=misfit,
        mean_misfit=typical_misfit(generator, misfit, generator.shape["latent_dim"], seed, compute),
        settings=params.search.map.model_copy(update={"restarts": params.norms.restarts}),
        seed=seed,
        compute=compute,
    )
    arrays = {
        "corruption": np.repeat(list(corruptions), count),
        "images": np.tile(images, (len(corruptions), 1, 1, 1)),
        "mask": observation.mask,
        "loss": np.array(loss),
    }
    save_arrays(NORMS, arrays | restored)


if __name__ == "__main__":
    run(main)
