"""A trained generator -> data/inverted/<loss>.npz: codes of generated, training and test images; and its misfit."""

import numpy as np

from stages.gan.classifier import load_predictor, predicted_labels
from stages.gan.networks import load_for_search
from stages.pipeline.artifacts import CLASSIFIER, INVERTED, MISFIT, MODELS, save_arrays, save_json
from stages.pipeline.command import loss_argument, run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.pipeline.seeding import numpy_stream
from stages.restoration.methods import draw, invert, measure_misfit
from stages.restoration.names import INVERSIONS


def main() -> None:
    params = load_params()
    loss = loss_argument(__doc__, params.losses)
    compute, count, seed = choose_compute(), params.images, params.seed
    generator = compute.place(load_for_search(MODELS / loss / "generator.safetensors"))
    latent_dim = generator.shape["latent_dim"]
    say(f"invert: {loss}: {compute}")

    validation, _ = pick_images("validation", count, seed)
    misfit, fitted = measure_misfit(
        generator, validation, latent_dim=latent_dim, search=params.search, seed=seed, compute=compute
    )
    save_json(MISFIT / f"{loss}.json", {"slope": misfit.slope, "fitted_slope": fitted.slope})
    say(f"invert: {loss}: misfit variance {misfit.slope:.3g} sqrt(g (1 - g)), from {count} validation images")

    # The three sources, in one batch.
    classify = load_predictor(CLASSIFIER, compute)  # the label of a generated image is what it looks like
    codes = numpy_stream(seed, "codes to invert").standard_normal((count, latent_dim), dtype=np.float32)
    generated = draw(generator, codes, compute)
    real = {split: pick_images(split, count, seed) for split in ("train", "test")}
    images = np.concatenate([generated, *(pictures for pictures, _ in real.values())])
    restored = invert(
        generator,
        images,
        latent_dim=latent_dim,
        misfit=fitted,
        search=params.search,
        settings=params.invert,
        seed=seed,
        compute=compute,
    )
    arrays = {
        "source": np.repeat(["generated", *real], count),
        "images": images,
        "labels": np.concatenate([classify(generated), *(labels for _, labels in real.values())]),
    }
    seen = predicted_labels(classify, {"observed": images} | {name: restored[name] for name in INVERSIONS})
    save_arrays(INVERTED / f"{loss}.npz", arrays | restored | seen)


if __name__ == "__main__":
    run(main)
