"""Inverting images, the textbook loop against this project's search: `python -m tests.benchmarks.search`.

The textbook loop takes one image at a time: float32, Adam at rate 0.1, 5000 steps on ||G(z) - I||, one start. This
project's search takes them all at once. Both invert the same validation images with the same trained generator (after
`dvc repro`). It prints seconds an image and PSNR after each walk of the search, and how many times as
fast the first walk is whose median PSNR is no worse.
"""

import argparse
import time

import numpy as np
import torch

from stages.images.picking import pick_images
from stages.judging.image_quality import mse, psnr
from stages.pipeline import artifacts
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import Compute, choose_compute
from stages.pipeline.params import load_params
from stages.priors.misfit import load_misfit
from stages.priors.networks import Generator
from stages.restoration.inversion import STARTS
from stages.restoration.latent.descent import usual_walk
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch, explore, least_squares_search
from stages.restoration.observation import clean


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
    parser.add_argument("--prior", default=load_params().usual_prior)
    parser.add_argument("--images", type=int, default=64, help="validation images that this project's search inverts")
    parser.add_argument(
        "--textbook-images", type=int, default=24, help="the first of them, which the textbook loop does"
    )
    parser.add_argument("--textbook-steps", type=int, default=5000)
    arguments = parser.parse_args()
    params, name = load_params(), arguments.prior
    images, _ = pick_images("validation", arguments.images, params)
    _, fitted = load_misfit(name)
    few = arguments.textbook_images

    # The textbook loop first: choosing the device below also changes how the C library keeps memory.
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    generator = load_network(Generator, artifacts.generator(name)).to(device)
    plain = Compute(device, bfloat16=False, search_batch=1)
    starts = LatentSearch(load_prior(name, fitted, plain), params.search, params.seed, plain).draw_prior(few)
    codes, seconds = [], []
    for index in range(few):
        image, start = (torch.from_numpy(array[index : index + 1]).to(device) for array in (images, starts))
        began = time.perf_counter()
        codes.append(textbook(generator, image, start, arguments.textbook_steps))
        seconds.append(time.perf_counter() - began)
    compute = choose_compute()
    search = LatentSearch(load_prior(name, fitted, compute, images), params.search, params.seed, compute)
    reference = psnr(mse(images[:few], search.prior.draw(np.concatenate(codes), compute)))
    textbook_seconds = float(np.median(seconds))
    print(f"textbook: {textbook_seconds:.2f} s an image, {_words(reference)} over {few} images")

    observation, lengths = clean(images), params.invert.walks

    def invert(walks: int) -> np.ndarray:
        explored = explore(search, search.objective(observation)).starts[:, :STARTS]
        own = [usual_walk(params.search.map, steps) for steps in lengths[:walks]]
        return least_squares_search(search.prior.generate, observation, explored, own, compute)

    invert(1)  # warm up
    ratio = None
    for walks in range(1, len(lengths) + 1):
        began = time.perf_counter()
        found = invert(walks)
        each = (time.perf_counter() - began) / len(images)
        scores = psnr(mse(images, search.prior.draw(found, compute)))
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
