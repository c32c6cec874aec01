"""DCGAN generator and discriminator (Radford, Metz & Chintala 2016), for square images of 28, 32, 64, ... pixels."""

import itertools
import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pixel_shuffle

from stages.pipeline.networks import SavedNetwork, load_network
from stages.pipeline.numerics.sizes import DRAWN, doublings

KERNEL, STRIDE, PADDING = 4, 2, 1  # halves or doubles the resolution exactly
INITIAL_STD = 0.02  # of every convolution and linear weight, as in the DCGAN paper


class _ChannelsFirst(nn.Module):
    """(N, H, W, C) -> (N, C, H, W) as a view, so that the maps that follow lie in memory channels last."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 3, 1, 2)


class _ChannelsLast(nn.Module):
    """(N, C, H, W) -> (N, H, W, C) as a view, so that maps which lie in memory channels last flatten without a copy."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 2, 3, 1)


class _ToImages(nn.ConvTranspose2d):
    """(N, C, H, W) -> (N, channels, 2 H, 2 W), float32: the transposed convolution to very few channels.

    Computed as a 3x3 convolution that gives each of the four pixels around a position a channel of its own, and a
    shuffle of those into place (Shi et al. 2016, sec. 2.2, sub-pixel convolution). The sums are the same; on a CPU
    torch's kernel for transposed convolutions, made for many channels, takes twice as long.
    """

    def __init__(self, in_channels: int, channels: int):
        super().__init__(in_channels, channels, KERNEL, STRIDE, PADDING)
        # taps[a, p, k] = 1 where the p-th of three neighbours reaches the pixels of parity a through kernel entry k.
        taps = torch.zeros(2, 3, 4)
        taps[0, 0, 3] = taps[0, 1, 1] = taps[1, 1, 2] = taps[1, 2, 0] = 1
        self.register_buffer("taps", taps, persistent=False)

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        assert output_size is None and self.bias is not None
        kernels = torch.einsum("apk,bql,cokl->oabcpq", self.taps, self.taps, self.weight).flatten(0, 2)
        return pixel_shuffle(conv2d(maps, kernels, padding=1).float(), 2) + self.bias[:, None, None]


class Generator(SavedNetwork):
    """z (N, latent_dim) -> images (N, channels, image_size, image_size), float32 in [0, 1].

    Raises ValueError for an image_size that is not 7 or 8 times a power of two.
    """

    def __init__(self, *, latent_dim: int, width: int, channels: int, image_size: int):
        super().__init__()
        self.arguments = {"latent_dim": latent_dim, "width": width, "channels": channels, "image_size": image_size}
        blocks = doublings(image_size)
        widths = [width << level for level in reversed(range(blocks))]  # e.g. 128, 64 for 28 pixels and width 64
        start = image_size >> blocks
        layers: list[nn.Module] = [
            nn.Linear(latent_dim, widths[0] * start * start, bias=False),  # BatchNorm has the bias
            nn.Unflatten(1, (start, start, widths[0])),
            _ChannelsFirst(),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        for coarse, fine in itertools.pairwise(widths):
            layers += [
                nn.ConvTranspose2d(coarse, fine, KERNEL, STRIDE, PADDING, bias=False),
                nn.BatchNorm2d(fine),
                nn.ReLU(),
            ]
        layers.append(_ToImages(widths[-1], channels))
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.layers(z).float())  # float32 also under autocast: bfloat16 has no 1/255 near 1


class Discriminator(SavedNetwork):
    """images (N, channels, image_size, image_size) in [0, 1] -> logits (N,), float32. No sigmoid at the end.

    Raises ValueError for an image_size that is not 7 or 8 times a power of two.
    """

    def __init__(self, *, width: int, channels: int, image_size: int):
        super().__init__()
        self.arguments = {"width": width, "channels": channels, "image_size": image_size}
        self.layers = _downwards(width, channels, image_size, outputs=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).float().squeeze(1)


class Encoder(SavedNetwork):
    """images (N, channels, image_size, image_size) in [0, 1] -> mean and log-variance of z, (N, latent_dim) each.

    float32, with the discriminator's layers. Raises ValueError for an image_size that is not 7 or 8 times a power of
    two.
    """

    def __init__(self, *, latent_dim: int, width: int, channels: int, image_size: int):
        super().__init__()
        self.arguments = {"latent_dim": latent_dim, "width": width, "channels": channels, "image_size": image_size}
        self.layers = _downwards(width, channels, image_size, outputs=2 * latent_dim)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.layers(images).float().chunk(2, dim=1)
        return mean, log_variance


def _downwards(width: int, channels: int, image_size: int, outputs: int) -> nn.Sequential:
    """images (N, channels, image_size, image_size) -> (N, outputs): the generator's blocks in reverse."""
    blocks = doublings(image_size)
    widths = [width << level for level in range(blocks)]  # e.g. 64, 128
    end = image_size >> blocks
    layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], KERNEL, STRIDE, PADDING), nn.LeakyReLU(0.2)]
    for fine, coarse in itertools.pairwise(widths):
        layers += [
            nn.Conv2d(fine, coarse, KERNEL, STRIDE, PADDING, bias=False),
            nn.BatchNorm2d(coarse),
            nn.LeakyReLU(0.2),
        ]
    layers += [_ChannelsLast(), nn.Flatten(), nn.Linear(widths[-1] * end * end, outputs)]
    return nn.Sequential(*layers)


def initialise(network: nn.Module, stream: torch.Generator) -> None:
    """Draw every convolution and linear weight from N(0, 0.02^2); biases start at 0 and BatchNorm at the identity."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=INITIAL_STD, generator=stream)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def remove_batch_norm(discriminator: Discriminator) -> None:
    """Take the normalisation out of a discriminator and give the convolutions before it the bias that it had."""
    layers = discriminator.layers
    for place, layer in enumerate(layers):
        if isinstance(layer, nn.BatchNorm2d):
            before = layers[place - 1]
            assert isinstance(before, nn.Conv2d)
            before.bias = nn.Parameter(torch.zeros_like(layer.bias))
            layers[place] = nn.Identity()


@torch.no_grad()
def recompute_batch_norm(generator: Generator, codes: Tensor, batch_size: int = DRAWN) -> None:
    """Replace the running BatchNorm statistics by averages over `codes` (N, latent_dim), and switch to eval mode.

    The running averages of training mix the weights of many past steps; a saved generator should be normalised by its
    own statistics alone (Izmailov et al. 2018, sec. 3.3).
    """
    norms = [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the batches that follow
    generator.train()
    for batch in codes.tensor_split(math.ceil(len(codes) / batch_size)):  # of one size, since all count alike
        generator(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    generator.eval()


def fold_batch_norm(generator: Generator) -> Generator:
    """The same images from a frozen generator in eval mode, whose normalisation is part of the weights before it.

    For searches, which evaluate one generator many thousand times. Changes the generator in place.
    """
    layers: list[nn.Module] = []
    for layer in generator.layers:
        if not isinstance(layer, nn.BatchNorm2d):
            layers.append(layer)
            continue
        assert layer.running_var is not None and layer.running_mean is not None  # it has seen images
        before = next(module for module in reversed(layers) if isinstance(module, nn.Linear | nn.ConvTranspose2d))
        scale = layer.weight / torch.sqrt(layer.running_var + layer.eps)
        shift = layer.bias - layer.running_mean * scale
        if isinstance(before, nn.Linear):
            places = before.out_features // layer.num_features  # it writes (H, W, C), so channels change fastest
            scale, shift = scale.repeat(places), shift.repeat(places)
            before.weight = nn.Parameter(before.weight * scale[:, None])
        else:  # (in, out, kernel, kernel)
            before.weight = nn.Parameter(before.weight * scale[:, None, None])
        before.bias = nn.Parameter(shift)  # these layers have none of their own
    generator.layers = nn.Sequential(*layers)
    return generator.requires_grad_(False)


def load_for_search(path: Path) -> Generator:
    """The generator saved at `path`, as searches use it: frozen, its normalisation folded into the weights."""
    return fold_batch_norm(load_network(Generator, path))
