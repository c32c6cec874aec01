"""All that restoration knows of a prior: a function from codes to images, the codes' dimension, and its misfit."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

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
    """x = G(z) + e with e the misfit and z = u ~ N(0, I); with a flow z = flow(u), u ~ N(0, I).

    Searches walk in u, where all latents are alike: what they call a code is u. Chains of samples move in z. What an
    observation says of a code is about quadratic in z, while the flow bends it: on validation images of MNIST with
    windows missing, chains of the VAE's flow that move in u take steps of 0.15 (whitened) and end with a split R-hat of
    2.3; in z it is 0.6 and 1.1.
    """

    generator: Generate  # G, frozen; z (N, latent_dim) -> images (N, C, S, S) in [0, 1], on the device
    latent_dim: int
    misfit: Misfit
    flow: Flow | None = None  # None: z = u

    def generate(self, u: Tensor) -> Tensor:
        """Images (N, C, S, S) of u (N, latent_dim)."""
        return self.generator(self.codes(u))

    def codes(self, u: Tensor) -> Tensor:
        """z of u, (N, latent_dim) each."""
        return u if self.flow is None else self.flow(u)

    def code_energy(self, codes: Tensor) -> Tensor:
        """Minus log p(z) - latent_dim / 2 log(2 pi), nats: (N,)."""
        u, log_determinant = (codes, 0.0) if self.flow is None else self.flow.inverse(codes)
        return u.square().sum(dim=1) / 2 - log_determinant

    @torch.no_grad()
    def code_curvature(self, codes: Tensor) -> Tensor:
        """The Gauss-Newton curvature of code_energy at z: J'J with J = du/dz, (N, latent_dim, latent_dim)."""
        directions = torch.eye(codes.shape[1], device=codes.device)
        if self.flow is None:
            return directions.expand(len(codes), -1, -1)
        inverse = self.flow.inverse

        def along(direction: Tensor) -> Tensor:
            return torch.func.jvp(lambda z: inverse(z)[0], (codes,), (direction.expand_as(codes),))[1]

        slopes = torch.func.vmap(along)(directions).permute(1, 2, 0)  # (N, u, z)
        return slopes.mT @ slopes

    def draw(self, u: np.ndarray, compute: Compute) -> np.ndarray:
        """Images (N, C, S, S), float32, of u (N, latent_dim), outside autocast."""
        return self._draw(self.generate, u, compute)

    def draw_codes(self, codes: np.ndarray, compute: Compute) -> np.ndarray:
        """The same of z (N, latent_dim)."""
        return self._draw(self.generator, codes, compute)

    @staticmethod
    @torch.no_grad()
    def _draw(generate: Generate, points: np.ndarray, compute: Compute) -> np.ndarray:
        batches = torch.from_numpy(points).split(compute.search_batch)
        return torch.cat([generate(compute.place(batch)) for batch in batches]).cpu().contiguous().numpy()

    def with_misfit(self, misfit: Misfit) -> "LatentPrior":
        """The same generator with another misfit."""
        return replace(self, misfit=misfit)


def load_prior(name: str, misfit: Misfit, compute: Compute, images: np.ndarray | None = None) -> LatentPrior:
    """A trained prior on the device, with its flow if `name` is `artifacts.with_flow`'s.

    `images` (N, C, S, S), if given, are those that it is to restore. Raises UserError for a file that is missing or
    damaged, or whose generator draws images of another shape.
    """
    prior, latent = artifacts.prior_and_latent(name)
    path = artifacts.generator(prior)
    generator = compute.place_network(load_for_search(path))
    channels, size = generator.arguments["channels"], generator.arguments["image_size"]
    if images is not None and images.shape[1:] != (shape := (channels, size, size)):
        raise UserError(f"{path}: draws images of shape {shape}, to restore are {images.shape[1:]}: run `dvc repro`")
    flow = compute.place_network(load_network(Flow, artifacts.flow(prior))) if latent == artifacts.FLOW else None
    return LatentPrior(generator, generator.arguments["latent_dim"], misfit, flow)
