"""Models of what a generator cannot draw: `python -m tests.benchmarks.misfit`, after `dvc repro invert`.

Mean PSNR in dB of ways to restore noisy validation images with a generator. G(z) is the image of the most probable
code, y - G(z) the residual; what is fitted, is fitted to the first half of the images and measured on the second:

independent         G(z) plus the residual, each pixel weighed by v(g) (stages/priors/misfit.py)
rank 8, rank 24     G(z) plus the residual, weighed by a covariance of this rank and a diagonal
BM3D of y - G(z)    G(z) plus the residual denoised by BM3D
posterior mean      as in the study
BM3D                of y, without a generator
weighed             the last two, weighed as `combine` does

48 images, with the non-saturating GANs of digits and of emoji:

                    MNIST           emoji, 64x64 RGB
sigma               0.3     0.5     0.1     0.3     0.5     1
G(z)                22.07   18.95   19.15   19.05   18.68   17.21
independent         22.10   18.90   24.05   19.73   18.88   17.25
rank 8              21.87   18.71   22.10   19.54   18.91   17.31
rank 24             21.72   18.58   19.53   19.34   18.87   17.24
BM3D of y - G(z)    21.99   18.80   28.49   22.64   20.49   17.68
posterior mean      22.86   19.99   24.17   20.08   19.22   17.85
BM3D                19.91   16.66   31.74   25.11   22.22   18.42
weighed             22.93   20.03   31.74   25.12   22.32   18.99

So a covariance of low rank does not pay on either set, and a generator that cannot draw an image is best weighed
against a restorer that need not: that is the method `combined`.
"""

import argparse

import numpy as np
import torch

from stages.images.picking import pick_images
from stages.judging.image_quality import mse, psnr
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.priors.misfit import load_misfit
from stages.restoration.combination import fit_weights
from stages.restoration.latent.objective import place_observation
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch, explore, map_search
from stages.restoration.linear_model import ROUNDING, LinearModel, posterior_mean
from stages.restoration.observation import Observation, noisy
from stages.restoration.posterior import sample_posterior
from stages.restoration.rival import load_rival

RANKS = (8, 24)
BM3D = {"threshold_block": 8, "wiener_block": 8, "strength": 1.0}


def low_rank(residuals: np.ndarray, rank: int) -> LinearModel:
    """A Gaussian of residuals (N, C, S, S): their mean, `rank` principal axes, and what these leave of each pixel."""
    flat = residuals.reshape(len(residuals), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    _, scales, axes = np.linalg.svd(flat - mean, full_matrices=False)
    loadings = (axes[:rank].T * scales[:rank]) / np.sqrt(len(flat))
    residual = (flat - mean).var(axis=0) - np.square(loadings).sum(axis=1)
    return LinearModel(mean, loadings, np.maximum(residual, ROUNDING))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--sigmas", type=float, nargs="+", default=[0.1, 0.3, 0.5, 1.0])
    arguments = parser.parse_args()
    params = load_params()
    images, _ = pick_images("validation", arguments.images, params)
    compute = choose_compute().for_images(images.shape[-1])
    misfit, _ = load_misfit(params.usual_prior)
    search = LatentSearch(load_prior(params.usual_prior, misfit, compute, images), params.search, params.seed, compute)
    first = np.arange(len(images)) < len(images) // 2
    denoise = load_rival("bm3d").estimate
    for sigma in arguments.sigmas:
        seen = noisy(images, sigma, params.seed)
        objective = search.objective(seen)
        explored = explore(search, objective)
        drawn = search.prior.draw(map_search(search, objective, explored), compute)
        y, mask, sensor = place_observation(seen, torch.arange(len(images)), compute)
        residual = Observation(seen.y - drawn, seen.mask, seen.sigma)
        found = {"G(z)": drawn}
        found["independent"] = misfit.complete(compute.place(torch.from_numpy(drawn)), y, mask, sensor)[0].cpu().numpy()
        for rank in RANKS:
            found[f"rank {rank}"] = drawn + posterior_mean(low_rank((images - drawn)[first], rank), residual)
        found["BM3D of y - G(z)"] = drawn + denoise(residual, **BM3D)
        found["posterior mean"], _ = sample_posterior(search, seen, explored)
        found["BM3D"] = denoise(seen, **BM3D)
        both = [found[name].clip(0, 1) for name in ("posterior mean", "BM3D")]
        weights = fit_weights(images[first], [own[first] for own in both], seen.mask[first])
        found["weighed"] = sum(weight * own for weight, own in zip(weights, both, strict=True))
        scores = {
            name: psnr(mse(images[~first], restored[~first].clip(0, 1))).mean() for name, restored in found.items()
        }
        print(f"sigma {sigma:g}: " + ", ".join(f"{name} {score:.2f}" for name, score in scores.items()), flush=True)


if __name__ == "__main__":
    main()
