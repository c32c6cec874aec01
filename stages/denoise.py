"""A trained generator -> data/denoised/<loss>.npz: test images restored from every noise level of the grid."""

import numpy as np

from stages.gan.classifier import load_predictor, predicted_labels
from stages.gan.networks import load_for_search
from stages.pipeline.artifacts import CLASSIFIER, DENOISED, MISFIT, MODELS, load_number, save_arrays
from stages.pipeline.command import loss_argument, run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.restoration.methods import restore
from stages.restoration.names import METHODS
from stages.restoration.objective import Misfit
from stages.restoration.observation import noisy, stack


def main() -> None:
    params = load_params()
    loss = loss_argument(__doc__, params.losses)
    compute, count, sigmas = choose_compute(), params.images, params.denoise.sigmas
    generator = compute.place(load_for_search(MODELS / loss / "generator.safetensors"))
    images, labels = pick_images("test", count, params.seed)
    say(f"denoise: {loss}: {compute}")

    observation = stack([noisy(images, sigma, params.seed) for sigma in sigmas])  # all noise levels in one batch
    restored = restore(
        generator,
        observation,
        latent_dim=generator.shape["latent_dim"],
        misfit=Misfit(load_number(MISFIT / f"{loss}.json", "slope")),
        search=params.search,
        seed=params.seed,
        compute=compute,
    )
    arrays = {
        "sigma": np.repeat(sigmas, count),
        "images": np.tile(images, (len(sigmas), 1, 1, 1)),
        "labels": np.tile(labels, len(sigmas)),
        "observed": observation.y,
    } | restored
    seen = predicted_labels(
        load_predictor(CLASSIFIER, compute), {name: arrays[name] for name in ("observed", *METHODS)}
    )
    save_arrays(DENOISED / f"{loss}.npz", arrays | seen)


if __name__ == "__main__":
    run(main)
