"""A normalising flow over images, of the kind of Glow (Kingma & Dhariwal 2018): its log p(x) is a formula.

x = flow(u), u ~ N(0, I) with as many numbers as x has. With the change of variables,

log p(x) = log N(u; 0, I) + log |det du/dx|,   u = flow^-1(x),

and the log-determinant is the sum of those of the steps. A coupling's is the sum of its log-scales; where channels are
mixed, it is that of a small matrix, times the number of pixels.
"""

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pixel_shuffle, pixel_unshuffle

from stages.pipeline.networks import SavedNetwork
from stages.pipeline.numerics.pixels import LEVELS, bits_per_dim
from stages.priors.flow import Coupling, normal_log_density


class ChannelMix(nn.Module):
    """The channels of each pixel times one matrix, plus a shift: ActNorm and the invertible 1x1 convolution in one.

    The matrix is P L U, with a fixed permutation P and ones on the diagonal of L, so that its determinant is, up to the
    sign, the product of U's diagonal (Kingma & Dhariwal 2018, sec. 3.2).
    """

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("permutation", torch.eye(channels))
        self.register_buffer("sign", torch.ones(channels))
        self.lower, self.upper = (nn.Parameter(torch.zeros(channels, channels)) for _ in range(2))
        self.log_diagonal, self.shift = (nn.Parameter(torch.zeros(channels)) for _ in range(2))

    def matrix(self) -> Tensor:
        """(channels, channels)."""
        lower = self.lower.tril(-1) + torch.eye(len(self.sign), dtype=self.lower.dtype, device=self.lower.device)
        return self.permutation @ lower @ (self.upper.triu(1) + (self.sign * self.log_diagonal.exp()).diag())

    def forward(self, y: Tensor) -> Tensor:
        """What `inverse` maps to y (N, channels, H, W)."""
        shifted = y - self.shift[:, None, None]
        return torch.linalg.solve(self.matrix(), shifted.flatten(2)).view_as(y)

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (N, channels, H, W) -> y of the same shape and log |det dy/dx|, a scalar."""
        return conv2d(x, self.matrix()[:, :, None, None], self.shift), self.log_diagonal.sum() * x[0, 0].numel()

    @torch.no_grad()
    def start(self, maps: Tensor, stream: torch.Generator) -> None:
        """A random rotation of what has mean 0 and variance 1 in each channel of `maps` (N, channels, H, W)."""
        channels = maps.shape[1]
        rotation = torch.linalg.qr(torch.randn(channels, channels, generator=stream)).Q
        deviation, mean = torch.std_mean(maps.transpose(0, 1).flatten(1).cpu(), dim=1)
        matrix = rotation / deviation
        permutation, lower, upper = torch.linalg.lu(matrix)
        diagonal = upper.diagonal()
        own = {"permutation": permutation, "sign": diagonal.sign(), "lower": lower.tril(-1), "upper": upper.triu(1)}
        self.load_state_dict(own | {"log_diagonal": diagonal.abs().log(), "shift": -matrix @ mean})


class Glow(SavedNetwork):
    """u (N, channels * image_size**2) -> images (N, channels, image_size, image_size), one to one.

    Images are dequantised: in [0, 1), but for what N(0, I) has beyond. At each level two by two pixels become channels;
    then come `steps` pairs of mixing and coupling, and half of the channels leave. The last coupling makes them N(0, I)
    given those that stay (the factored-out half of Dinh et al. 2017, sec. 3.6, with a learned prior).

    Raises ValueError for an image_size that cannot be halved `levels` times.
    """

    def __init__(self, *, channels: int, image_size: int, levels: int, steps: int, width: int):
        super().__init__()
        self.arguments = {
            "channels": channels,
            "image_size": image_size,
            "levels": levels,
            "steps": steps,
            "width": width,
        }
        if image_size % (1 << levels):
            raise ValueError(f"image_size = {image_size}: allowed are multiples of {1 << levels}")
        self.levels = nn.ModuleList()
        self.leaving: list[tuple[int, int, int]] = []  # (C, H, W) of what leaves at each level; at the last one all
        for _ in range(levels):
            channels, image_size = 4 * channels, image_size // 2
            parts = (
                part
                for _ in range(steps)
                for part in (ChannelMix(channels), Coupling(torch.arange(channels), _convolutions(channels, width)))
            )
            self.levels.append(nn.ModuleList(parts))
            self.leaving.append((channels - channels // 2, image_size, image_size))
            channels //= 2
        self.leaving[-1] = (channels + self.leaving[-1][0], image_size, image_size)

    @property
    def dimensions(self) -> int:
        return self.arguments["channels"] * self.arguments["image_size"] ** 2

    def forward(self, u: Tensor) -> Tensor:
        sizes = [math.prod(shape) for shape in self.leaving]
        left = [own.unflatten(1, shape) for own, shape in zip(u.split(sizes, dim=1), self.leaving, strict=True)]
        x = left.pop()
        for parts, _ in reversed(self.at_levels()):
            for part in reversed(parts):
                x = part(x)
            x = pixel_shuffle(x, 2)
            if left:
                x = torch.cat([x, left.pop()], dim=1)
        return x

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Dequantised images (N, C, S, S) -> u (N, C * S * S) and log |det du/dx| (N,)."""
        left, total = [], x.new_zeros(len(x))
        for parts, shape in self.at_levels():
            x = pixel_unshuffle(x, 2)
            for part in parts:
                x, log_determinant = part.inverse(x)
                total = total + log_determinant
            staying = x.shape[1] - shape[0]
            left.append(x[:, staying:].flatten(1))
            x = x[:, :staying]
        return torch.cat(left, dim=1), total

    def at_levels(self) -> list[tuple[list[ChannelMix | Coupling], tuple[int, int, int]]]:
        """The parts of each level, in the order of `inverse`, and the shape of what leaves there."""
        return [
            (list(cast(Iterable[ChannelMix | Coupling], level)), shape)
            for level, shape in zip(self.levels, self.leaving, strict=True)
        ]

    def log_density(self, x: Tensor) -> Tensor:
        """log p(x), nats, (N,), of dequantised images."""
        u, log_determinant = self.inverse(x)
        return normal_log_density(u) + log_determinant


def dequantise(images: Tensor, stream: torch.Generator) -> Tensor:
    """x = (v + noise) / 256 of images v (N, C, S, S), uint8, with uniform noise in [0, 1): in [0, 1), on v's device."""
    noise = torch.rand(images.shape, generator=stream).to(images.device)
    return (images + noise) / LEVELS


def glow_bits(glow: Glow, x: Tensor) -> Tensor:
    """Bits per dimension, (N,), of dequantised images x (N, C, S, S).

    Their mean over the noise bounds that of -log2 P(v) / D from above, P(v) being the probability of the 8-bit image v,
    of D numbers (Theis, van den Oord & Bethge 2016, sec. 3.1).
    """
    return bits_per_dim(glow.log_density(x), glow.dimensions)


@torch.no_grad()
def initialise_glow(glow: Glow, x: Tensor, stream: torch.Generator) -> None:
    """He et al.'s (2015) weights, but for zeros in the last layer of each coupling, and ActNorm's start from images x.

    x are dequantised images (N, C, S, S); the channels of each step begin with mean 0 and variance 1 over them.
    """
    for parts, shape in glow.at_levels():
        x = pixel_unshuffle(x, 2)
        for part in parts:
            if isinstance(part, ChannelMix):
                part.start(x, stream)
            else:
                layers = [layer for layer in part.modules() if isinstance(layer, nn.Conv2d)]
                for layer in layers:
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=stream)
                    nn.init.zeros_(cast(Tensor, layer.bias))
                nn.init.zeros_(layers[-1].weight)
            x, _ = part.inverse(x)
        x = x[:, : x.shape[1] - shape[0]]


def _convolutions(channels: int, width: int) -> nn.Sequential:
    """The network of a coupling (Kingma & Dhariwal 2018, sec. 3.3): kept channels to log-scales and shifts."""
    kept = channels // 2
    return nn.Sequential(
        nn.Conv2d(kept, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * (channels - kept), 3, padding=1),
    )
