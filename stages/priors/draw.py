"""Images that a trained prior draws, at any epoch that training kept."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from stages.pipeline import artifacts
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.priors.flow import Flow
from stages.priors.networks import Generator


@torch.no_grad()
def draw_samples(prior: str, epoch: int, count: int, seed: int, compute: Compute) -> Iterator[np.ndarray]:
    """`count` images, float32 in [0, 1], of the same codes for every prior and epoch; by batches (B, C, S, S).

    Of a prior `with_flow` they are those of G(flow(u)). Raises UserError for a network that is missing or damaged.
    """
    name, latent = artifacts.prior_and_latent(prior)
    path = artifacts.training(name, f"generator_{epoch}.safetensors")
    generator = compute.place_network(load_network(Generator, path))
    size = (count, generator.arguments["latent_dim"])
    codes = torch.randn(size, generator=torch_stream(seed, "judge codes"))
    batches = codes.split(images_at_a_time(generator.arguments["image_size"]))
    flow = (
        compute.place_network(load_network(Flow, artifacts.flow(name))) if latent == artifacts.FLOW else nn.Identity()
    )
    for batch in batches:
        yield generator(flow(compute.place(batch))).cpu().contiguous().numpy()
