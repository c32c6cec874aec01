"""Inverting images, the textbook loop against this project's search: `python -m tests.benchmarks.search`.

The textbook loop takes one image at a time: float32, Adam at rate 0.1, 5000 steps on ||G(z) - I||, one start. This
project's search takes them all at once. Both invert the same validation images with the same trained generator (after
`dvc repro`). Said are seconds an image and PSNR after each of the search's walks, and the ratio for the first of them
whose median PSNR is no worse.
"""

import argparse
import time

import numpy as np
import torch

from stages.gan.networks import Generator, load_for_search, load_network
from stages.pipeline.artifacts import MISFIT, MODELS, load_number
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.restoration.methods import INVERSION_STARTS, draw, explore
from stages.restoration.objective import Misfit, Objective
from stages.restoration.observation import clean
from stages.restoration.quality import mse, psnr
from stages.restoration.search import draw_prior, least_squares_search, usual_walk


def textbook(generator: Generator, image: torch.Tensor, start: torch.Tensor, steps: int) -> np.ndarray:
    """One image (1, C, H, W) as exercises invert it; its code (1, latent_dim)."""
    code = start.clone().requires_grad_()
    adam = torch.optim.Adam([code], lr=0.1)
    for _ in range(steps):
        adam.zero_grad()
        (generator(code) - image).square().sum().backward()
        adam.step()
    return code.detach().cpu().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loss", default="non_saturating")
    parser.add_argument("--images", type=int, default=64, help="validation images that this project's search inverts")
    parser.add_argument(
        "--textbook-images", type=int, default=24, help="the first of them, which the textbook loop does"
    )
    parser.add_argument("--textbook-steps", type=int, default=5000)
    arguments = parser.parse_args()
    params, path = load_params(), MODELS / arguments.loss / "generator.safetensors"
    images, _ = pick_images("validation", arguments.images, params.seed)
    few = arguments.textbook_images

    # The textbook loop first: choosing the device below also changes how the C library keeps memory.
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    generator = load_network(Generator, path).to(device)
    starts = draw_prior(arguments.images, generator.shape["latent_dim"], params.seed)
    codes, seconds = [], []
    for index in range(few):
        image, start = (torch.from_numpy(array[index : index + 1]).to(device) for array in (images, starts))
        began = time.perf_counter()
        codes.append(textbook(generator, image, start, arguments.textbook_steps))
        seconds.append(time.perf_counter() - began)
    compute = choose_compute()
    generator = compute.place(load_for_search(path))
    reference = psnr(mse(images[:few], draw(generator, np.concatenate(codes), compute)))
    textbook_seconds = float(np.median(seconds))
    print(f"textbook: {textbook_seconds:.2f} s an image, {_words(reference)} over {few} images")

    settings, lengths = params.search.map, params.invert.walks
    observation = clean(images)
    misfit = Misfit(load_number(MISFIT / f"{arguments.loss}.json", "fitted_slope"))
    objective = Objective(observation, misfit.data_term)
    common = {"latent_dim": generator.shape["latent_dim"], "seed": params.seed, "compute": compute}

    def search(walks: int) -> np.ndarray:
        found = explore(generator, objective, misfit=misfit, settings=settings, **common)
        own = [usual_walk(settings, steps) for steps in lengths[:walks]]
        return least_squares_search(generator, observation, found.starts[:, :INVERSION_STARTS], own, compute)

    search(1)  # warm up
    ratio = None
    for walks in range(1, len(lengths) + 1):
        began = time.perf_counter()
        found = search(walks)
        each = (time.perf_counter() - began) / len(images)
        scores = psnr(mse(images, draw(generator, found, compute)))
        print(
            f"{sum(lengths[:walks]):4} steps: {each:.4f} s an image, {textbook_seconds / each:.0f} times as fast, "
            f"{_words(scores[:few])} over the same {few} images, {_words(scores)} over {len(images)}"
        )
        if ratio is None and np.median(scores[:few]) >= np.median(reference):
            ratio = textbook_seconds / each
    print("never as good" if ratio is None else f"as good or better in median: {ratio:.0f} times as fast")


def _words(scores: np.ndarray) -> str:
    return f"PSNR {np.median(scores):.1f} median, {scores.mean():.1f} mean"


if __name__ == "__main__":
    main()
