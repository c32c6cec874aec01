"""A trained generator -> data/denoised/<loss>.npz: test images restored from every noise level of the grid."""

import numpy as np

from stages.gan.classifier import load_predictor
from stages.gan.networks import Generator, fold_batch_norm, load_network
from stages.pipeline.artifacts import CLASSIFIER, DENOISED, MISFIT, MODELS, load_number, save_arrays
from stages.pipeline.command import loss_argument, run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.restoration.methods import predicted_labels, restore
from stages.restoration.observation import noisy, stack
from stages.restoration.search import draw_starts


def main() -> None:
    params = load_params()
    loss = loss_argument(__doc__, params.losses)
    compute, count, sigmas = choose_compute(), params.images, params.denoise.sigmas
    generator = compute.place(fold_batch_norm(load_network(Generator, MODELS / loss / "generator.safetensors")))
    classify = load_predictor(CLASSIFIER, compute)
    images, labels = pick_images("test", count, params.seed)
    say(f"denoise: {loss}: {compute}")

    # All noise levels in one batch, each from the same starts.
    observation = stack([noisy(images, sigma, params.seed) for sigma in sigmas])
    starts = draw_starts(count, params.search.map.restarts, generator.shape["latent_dim"], params.seed)
    restored = restore(
        generator,
        observation,
        starts=np.tile(starts, (len(sigmas), 1, 1)),
        misfit=load_number(MISFIT / f"{loss}.json", "variance"),
        search=params.search,
        compute=compute,
    )
    arrays = {
        "sigma": np.repeat(sigmas, count),
        "images": np.tile(images, (len(sigmas), 1, 1, 1)),
        "labels": np.tile(labels, len(sigmas)),
        "observed": observation.y,
    }
    save_arrays(DENOISED / f"{loss}.npz", arrays | restored | predicted_labels(classify, observation, restored))


if __name__ == "__main__":
    run(main)
