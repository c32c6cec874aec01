"""The ways to restore an observation that the tables compare, run side by side from the same starts."""

from collections.abc import Callable

import numpy as np
import torch

from stages.pipeline.compute import Compute
from stages.pipeline.params import Search
from stages.restoration.observation import Observation, clean
from stages.restoration.search import Generate, map_search, plain_search


def restore(
    generate: Generate,  # frozen; codes -> images, on the compute's device
    observation: Observation,  # of N images
    *,
    starts: np.ndarray,  # (N, R, latent_dim), float32; the plain search uses the first of each image
    misfit: float,  # variance, a pixel, of what the generator cannot represent
    search: Search,  # the settings of both searches
    compute: Compute,
    patience: int = 1,  # times the steps of both
) -> dict[str, np.ndarray]:
    """For each method its codes, `<method>_codes` (N, latent_dim), and its images, `<method>` (N, C, H, W), float32.

    The images are G(z) itself in full precision, known pixels too: nothing is pasted over it.
    """
    codes = {
        "plain": plain_search(
            generate,
            observation,
            starts[:, 0],
            steps=patience * search.plain.steps,
            learning_rate=search.plain.learning_rate,
            compute=compute,
        ),
        "map": map_search(
            generate,
            observation,
            starts,
            misfit=misfit,
            explore_steps=search.map.explore_steps,
            steps=patience * search.map.steps,
            learning_rate=search.map.learning_rate,
            ramp_down=search.map.ramp_down,
            compute=compute,
        ),
    }
    restored = {method: draw(generate, found, compute) for method, found in codes.items()}
    return restored | {f"{method}_codes": found for method, found in codes.items()}


def predicted_labels(
    classify: Callable[[np.ndarray], np.ndarray],  # images (N, C, H, W) -> labels (N,)
    observation: Observation,
    restored: dict[str, np.ndarray],  # what `restore` returned
) -> dict[str, np.ndarray]:
    """What a classifier sees in the observation itself and in each method's images: `<method>_labels` (N,), uint8."""
    pictures = {name: images for name, images in restored.items() if not name.endswith("_codes")}
    return {f"{name}_labels": classify(images) for name, images in ({"observed": observation.y} | pictures).items()}


def measure_misfit(
    generate: Generate,
    images: np.ndarray,  # (N, C, H, W), float32 in [0, 1]
    *,
    starts: np.ndarray,  # (N, latent_dim), float32
    search: Search,
    compute: Compute,
) -> float:
    """The variance, a pixel, that inverting `images` leaves: an estimate of what the generator cannot represent.

    The images are validation images: unseen by training, and not those of any table. The search is the plain one,
    since the weight of a prior needs this very number. The median over images, since a single start now and then
    ends in a wrong digit, which tells of the search and not of the generator.
    """
    codes = plain_search(
        generate,
        clean(images),
        starts,
        steps=search.plain.steps,
        learning_rate=search.plain.learning_rate,
        compute=compute,
    )
    return float(np.median(np.square(draw(generate, codes, compute) - images).mean(axis=(1, 2, 3))))


@torch.no_grad()
def draw(generate: Generate, codes: np.ndarray, compute: Compute) -> np.ndarray:
    """G(z) for codes (N, latent_dim), outside autocast: images (N, C, H, W), float32."""
    batches = torch.from_numpy(codes).split(compute.search_batch)
    return torch.cat([generate(compute.place(batch)) for batch in batches]).cpu().contiguous().numpy()
