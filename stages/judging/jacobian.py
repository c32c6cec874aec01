"""How a generator moves the image when its code moves: the singular values of its Jacobian dG/dz."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from stages.pipeline import artifacts
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.streams import torch_stream
from stages.priors.networks import Generator, load_for_search
from stages.restoration.latent.curvature import jacobian


def singular_values(generator: Generator, codes: Tensor, compute: Compute) -> np.ndarray:
    """Of dG/dz at each code (N, latent_dim), from the largest: (N, min(latent_dim, pixels)), float64.

    Computed from slopes in float32, whatever the hardware has.
    """
    exact = replace(compute, bfloat16=False)
    slopes = (jacobian(generator, own, exact) for own in codes.split(1))  # (1, pixels, latent_dim)
    return torch.cat([torch.linalg.svdvals(own.double()).cpu() for own in slopes]).numpy()


def generator_singular_values(prior: str, count: int, seed: int, compute: Compute) -> np.ndarray:
    """`singular_values` of a trained prior at `count` codes from N(0, I), the same for every prior.

    Raises UserError for a generator that is missing or damaged.
    """
    generator = load_for_search(artifacts.generator(prior)).to(compute.device)
    codes = torch.randn(count, generator.arguments["latent_dim"], generator=torch_stream(seed, "Jacobian codes"))
    return singular_values(generator, codes.to(compute.device), compute)
