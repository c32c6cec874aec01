"""Affine couplings (Dinh et al. 2017, sec. 3.2), and a normalising flow over codes made of them.

z = flow(u), u ~ N(0, I), is the distribution that a flow gives codes. With the change of variables,
log p(z) = log N(u; 0, I) - log |det dz/du|.
"""

import math

import torch
from torch import Tensor, nn

from stages.pipeline.networks import SavedNetwork
from stages.pipeline.numerics.streams import numpy_stream

BOUND = 1.5  # of log-scales: a coupling stretches nothing more than 4.5 times, so that searches keep their step size


class Coupling(nn.Module):
    """One half of the coordinates is scaled and shifted, by amounts that are functions of the other half.

    The coordinates are the second axis of a batch: those of codes (N, D), or the channels of maps (N, D, H, W).
    """

    order: Tensor

    def __init__(self, order: Tensor, network: nn.Module):
        """`order` (D,) is a permutation: its first half, D // 2, stays as it is.

        `network` maps it to log-scales and then shifts of the others, 2 (D - D // 2) on the second axis.
        """
        super().__init__()
        self.register_buffer("order", order)
        self.kept = len(order) // 2
        self.network = network

    def forward(self, u: Tensor) -> Tensor:
        """u (N, D, ...) -> z of the same shape."""
        kept, moved = self._halves(u)
        log_scale, shift = self._affine(kept)
        return self._back(torch.cat([kept, moved * log_scale.exp() + shift], dim=1))

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (N, D, ...) -> u of the same shape and log |det du/dz| (N,)."""
        kept, moved = self._halves(z)
        log_scale, shift = self._affine(kept)
        u = self._back(torch.cat([kept, (moved - shift) * (-log_scale).exp()], dim=1))
        return u, -log_scale.flatten(1).sum(dim=1)

    def _halves(self, points: Tensor) -> tuple[Tensor, Tensor]:
        ordered = points[:, self.order]
        return ordered[:, : self.kept], ordered[:, self.kept :]

    def _back(self, ordered: Tensor) -> Tensor:
        """Points in their own order again. It follows from `order`, which a file may have other than a new flow."""
        return ordered[:, self.order.argsort()]

    def _affine(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.network(kept).to(kept.dtype).chunk(2, dim=1)  # bfloat16 under autocast
        return BOUND * torch.tanh(log_scale / BOUND), shift


class Flow(SavedNetwork):
    """u (N, latent_dim) -> codes z (N, latent_dim), one to one. It starts as the identity."""

    def __init__(self, *, latent_dim: int, couplings: int, width: int):
        super().__init__()
        self.arguments = {"latent_dim": latent_dim, "couplings": couplings, "width": width}
        # Random halves, each followed by the other half; the saved weights have the orders of their training.
        stream = numpy_stream(0, "halves")
        orders: list[Tensor] = []
        for number in range(couplings):
            order = torch.from_numpy(stream.permutation(latent_dim)) if number % 2 == 0 else orders[-1].flip(0)
            orders.append(order)
        kept = latent_dim // 2
        self.parts = nn.Sequential(
            *(Coupling(order, _fully_connected(kept, width, 2 * (latent_dim - kept))) for order in orders)
        )

    def forward(self, u: Tensor) -> Tensor:
        z: Tensor = self.parts(u)
        return z

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (N, latent_dim) -> u (N, latent_dim) and log |det du/dz| (N,)."""
        total = z.new_zeros(len(z))
        for part in reversed(list(self.parts)):
            assert isinstance(part, Coupling)
            z, log_determinant = part.inverse(z)
            total = total + log_determinant
        return z, total

    def log_density(self, z: Tensor) -> Tensor:
        """log p(z), nats, (N,)."""
        u, log_determinant = self.inverse(z)
        return normal_log_density(u) + log_determinant


def _fully_connected(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """A network of two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, outputs)
    )


def normal_log_density(u: Tensor) -> Tensor:
    """log N(u; 0, I), nats, of u (N, D): (N,)."""
    return -(u.square().sum(dim=1) + u.shape[1] * math.log(2 * math.pi)) / 2


def initialise_flow(flow: Flow, stream: torch.Generator) -> None:
    """He et al.'s (2015) weights, but for zeros in each last layer: the identity."""
    for part in flow.parts:
        assert isinstance(part, Coupling)
        assert isinstance(part.network, nn.Sequential)
        for layer in part.network:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=stream)
                nn.init.zeros_(layer.bias)
        last = part.network[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
