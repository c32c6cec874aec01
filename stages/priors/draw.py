"""Images that a trained prior draws, at any epoch that training kept."""

import numpy as np
import torch

from stages.pipeline import artifacts
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.streams import torch_stream
from stages.priors.networks import Generator

BATCH = 1000  # images drawn at a time


@torch.no_grad()
def draw_samples(prior: str, epoch: int, count: int, seed: int, compute: Compute) -> np.ndarray:
    """`count` images (N, C, S, S), float32 in [0, 1], of the same codes for every prior and epoch.

    Raises UserError for a generator that is missing or damaged.
    """
    path = artifacts.prior(prior, f"generator_{epoch}.safetensors")
    generator = compute.place_network(load_network(Generator, path))
    size = (count, generator.arguments["latent_dim"])
    codes = torch.randn(size, generator=torch_stream(seed, "judge codes"))
    return np.concatenate([generator(compute.place(batch)).cpu().contiguous().numpy() for batch in codes.split(BATCH)])
