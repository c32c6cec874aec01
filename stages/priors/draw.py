"""Images that a trained prior draws, at any epoch that training kept."""

from collections.abc import Iterator

import numpy as np
import torch

from stages.pipeline import artifacts
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.priors.networks import Generator


@torch.no_grad()
def draw_samples(prior: str, epoch: int, count: int, seed: int, compute: Compute) -> Iterator[np.ndarray]:
    """`count` images, float32 in [0, 1], of the same codes for every prior and epoch; by batches (B, C, S, S).

    Raises UserError for a generator that is missing or damaged.
    """
    path = artifacts.prior(prior, f"generator_{epoch}.safetensors")
    generator = compute.place_network(load_network(Generator, path))
    size = (count, generator.arguments["latent_dim"])
    codes = torch.randn(size, generator=torch_stream(seed, "judge codes"))
    batches = codes.split(images_at_a_time(generator.arguments["image_size"]))
    for batch in batches:
        yield generator(compute.place(batch)).cpu().contiguous().numpy()
