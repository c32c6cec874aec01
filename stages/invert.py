"""A trained generator -> data/inverted/<loss>.npz: codes of generated, training and test images; and its misfit."""

import numpy as np

from stages.gan.networks import Generator, fold_batch_norm, load_network
from stages.pipeline.artifacts import INVERTED, MISFIT, MODELS, save_arrays, save_json
from stages.pipeline.command import loss_argument, run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.pipeline.seeding import numpy_stream
from stages.restoration.methods import draw, measure_misfit, restore
from stages.restoration.observation import clean
from stages.restoration.search import draw_starts


def main() -> None:
    params = load_params()
    loss = loss_argument(__doc__, params.losses)
    compute, count = choose_compute(), params.images
    generator = compute.place(fold_batch_norm(load_network(Generator, MODELS / loss / "generator.safetensors")))
    latent_dim = generator.shape["latent_dim"]
    say(f"invert: {loss}: {compute}")

    # What no code can reach, on images that no table shows.
    validation, _ = pick_images("validation", count, params.seed)
    misfit = measure_misfit(
        generator,
        validation,
        starts=draw_starts(count, 1, latent_dim, params.seed)[:, 0],
        search=params.search,
        compute=compute,
    )
    say(f"invert: {loss}: misfit variance {misfit:.3g} a pixel, median of {count} validation images")

    # The three sources, in one batch.
    codes = numpy_stream(params.seed, "codes to invert").standard_normal((count, latent_dim), dtype=np.float32)
    sources = {"generated": draw(generator, codes, compute)}
    sources |= {split: pick_images(split, count, params.seed)[0] for split in ("train", "test")}
    images = np.concatenate(list(sources.values()))
    restored = restore(
        generator,
        clean(images),
        starts=np.tile(draw_starts(count, params.search.map.restarts, latent_dim, params.seed), (len(sources), 1, 1)),
        misfit=misfit,
        search=params.search,
        patience=params.invert.patience,
        compute=compute,
    )
    save_arrays(INVERTED / f"{loss}.npz", {"source": np.repeat(list(sources), count), "images": images} | restored)
    save_json(MISFIT / f"{loss}.json", {"variance": misfit})


if __name__ == "__main__":
    run(main)
