"""All that restoration knows of a prior: a function from codes to images, the codes' dimension, and its misfit."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import Compute
from stages.priors.flow import Flow
from stages.priors.misfit import Misfit
from stages.priors.networks import load_for_search
from stages.restoration.latent.objective import Generate


@dataclass(frozen=True)
class LatentPrior:
    """x = G(z) + e with z ~ N(0, I) and e the misfit; with a flow x = G(flow(u)) + e, u ~ N(0, I)."""

    generate: Generate  # frozen; codes (N, latent_dim) -> images (N, C, S, S) in [0, 1], on the device
    latent_dim: int
    image_shape: tuple[int, int, int]  # (C, S, S)
    misfit: Misfit

    @torch.no_grad()
    def draw(self, codes: np.ndarray, compute: Compute) -> np.ndarray:
        """G(z) for codes (N, latent_dim), outside autocast: images (N, C, S, S), float32."""
        batches = torch.from_numpy(codes).split(compute.search_batch)
        return torch.cat([self.generate(compute.place(batch)) for batch in batches]).cpu().contiguous().numpy()

    def with_misfit(self, misfit: Misfit) -> "LatentPrior":
        """The same generator with another misfit."""
        return replace(self, misfit=misfit)


def load_prior(name: str, misfit: Misfit, compute: Compute, images: np.ndarray | None = None) -> LatentPrior:
    """A trained prior on the device, with its flow if `name` is `artifacts.with_flow`'s.

    `images` (N, C, S, S), if given, are those that it is to restore. Raises UserError for a file that is missing or
    damaged, or whose generator draws images of another shape.
    """
    prior, latent = artifacts.prior_and_latent(name)
    path = artifacts.prior(prior)
    generator = compute.place_network(load_for_search(path))
    channels, size = generator.arguments["channels"], generator.arguments["image_size"]
    shape = (channels, size, size)
    if images is not None and images.shape[1:] != shape:
        raise UserError(f"{path}: draws images of shape {shape}, to restore are {images.shape[1:]}: run `dvc repro`")
    generate: Generate = generator
    if latent == artifacts.FLOW:
        flow = compute.place_network(load_network(Flow, artifacts.flow(prior)))
        generate = nn.Sequential(flow, generator)  # u ~ N(0, I) takes the place of z
    return LatentPrior(generate, generator.arguments["latent_dim"], shape, misfit)
