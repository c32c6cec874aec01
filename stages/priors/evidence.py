"""The evidence lower bound of a generator with an encoder (Kingma & Welling 2014, eq. 3), under the model of searches.

log p(x) >= E_q[log p(x | z)] - KL(q(z | x) || N(0, I)),   p(x | z) = N(G(z), v(G(z))),   q(z | x) = N(mean, variance)

with v of misfit.py, whose slope is learned too: pixel by pixel, how far off the generator may be.
"""

import math

import torch
from torch import Tensor, nn

from stages.pipeline.numerics.compute import Compute
from stages.priors.misfit import Misfit
from stages.priors.networks import Encoder

FIRST_SLOPE = 0.05


class LearnedMisfit(nn.Module):
    """The model of what a generator cannot draw, with a slope that is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.log_slope = nn.Parameter(torch.tensor(math.log(FIRST_SLOPE)))

    def forward(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Minus log p(x | z) up to a constant, (N,), of images (N, C, S, S) and G(z)."""
        terms = Misfit(self.log_slope.exp()).data_term(images - drawn, drawn, torch.zeros_like(self.log_slope))
        return terms.sum(dim=(1, 2, 3))


def draw_posterior(
    encoder: Encoder, images: Tensor, stream: torch.Generator, compute: Compute
) -> tuple[Tensor, Tensor]:
    """A draw of q(z | x) for each image, (N, latent_dim), and KL(q || N(0, I)), (N,)."""
    with compute.autocast():
        mean, log_variance = encoder(images)
    noise = compute.place(torch.randn(mean.shape, generator=stream))
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
    return mean + (log_variance / 2).exp() * noise, divergence
