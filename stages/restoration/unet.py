"""A U-Net that estimates E[x | y] directly: what a person would train today for restoration alone.

It is given what is seen, where, and how noisy (y, mask, sigma), and trained by the logarithm of its squared error, on
training images as the tasks of params.yaml observe them: one network for all of them (Ronneberger et al. 2015; noise
level as an input as in FFDNet, Zhang et al. 2018, whose 2x2 unshuffling it shares). It knows the corruptions
beforehand; a prior does not.

The network does not draw the image itself. For each pixel it gives what the others let one expect there, m, and how far
off that may be, s; of what is seen, y, the estimate takes as much as a Gaussian with this mean and spread would:
m + s^2 / (s^2 + sigma^2) (y - m). That is y where there is no noise, and m where a pixel is hidden (sigma is infinite).
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle, pixel_unshuffle, silu

from stages.images.stored import Images
from stages.pipeline.networks import SavedNetwork
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.numerics.rates import cosine, set_rate
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import numpy_stream, stream_seed, torch_stream
from stages.pipeline.params import UnetFit
from stages.pipeline.progress import Progress
from stages.restoration.observation import Observation, stack
from stages.restoration.task import Grid

GROUPS = 8  # of channels in each GroupNorm
CONDITIONS = 4  # in a batch, each with as many images
WARM_UP = 50  # steps over which the rate rises
LEAST_ERROR = 1e-8  # mean squared; so small a one is not made smaller
LARGEST_GRADIENT = 1.0  # its norm is cut there
COUNTED = 5000  # images that pixels' mean and deviation are taken of


class _Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016), each after GroupNorm and SiLU."""

    def __init__(self, channels: int):
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, channels) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, maps: Tensor) -> Tensor:
        found = maps
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            found = convolution(silu(norm(found)))
        return maps + found


class UNet(SavedNetwork):
    """y (N, C, S, S), mask (N, 1, S, S) and sigma (N, 1, 1, 1) -> images (N, C, S, S), float32, not clipped.

    Three levels, of S/2, S/4 and S/8 pixels, with width, 3/2 width and 2 width channels. `mean` and `deviation` are
    those of a pixel in training images.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, channels: int, width: int):
        super().__init__()
        self.arguments = {"channels": channels, "width": width}
        self.register_buffer("mean", torch.tensor(0.5))
        self.register_buffer("deviation", torch.tensor(0.5))
        widths = [width, width * 3 // 2, width * 2]
        self.first = nn.Conv2d(4 * (channels + 1), width, 3, padding=1)
        self.down = nn.ModuleList(_Block(own) for own in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(widths))
        self.middle = nn.Sequential(_Block(widths[-1]), _Block(widths[-1]))
        self.grow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(_Block(own) for own in widths[:-1])
        self.norm, self.last = nn.GroupNorm(GROUPS, width), nn.Conv2d(width, 8 * channels, 3, padding=1)

    def forward(self, y: Tensor, mask: Tensor, sigma: Tensor) -> Tensor:
        total = (self.deviation.square() + sigma.square()).sqrt()  # of pixel and noise
        doubt = torch.where(mask, sigma / total, 1.0)  # 0 for a pixel that is certain, 1 for one that is hidden
        seen = torch.where(mask, (y - self.mean) / total, 0.0)
        maps = self.first(pixel_unshuffle(torch.cat([seen, doubt], dim=1), 2))
        passed = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            maps = block(maps)
            passed.append(maps)
            maps = shrink(maps)
        maps = self.middle(maps)
        for block, grow, own in zip(reversed(self.up), reversed(self.grow), reversed(passed), strict=True):
            maps = block(own + interpolate(grow(maps), size=own.shape[-2:]))
        found = pixel_shuffle(self.last(silu(self.norm(maps))).float(), 2)
        change, log_spread = found.tensor_split(2, dim=1)
        expected = self.mean + self.deviation * change
        log_spread = log_spread + (self.deviation / 2).log()  # where an untrained network starts
        share = torch.where(mask, torch.sigmoid(2 * (log_spread - sigma.log())), 0.0)  # s^2 / (s^2 + sigma^2)
        return expected + share * (y - expected)


def initialise_unet(network: UNet, stream: torch.Generator) -> None:
    """He et al.'s (2015) weights; zeros where a block or the network adds to what there is."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=stream)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, _Block):
            last = module.convolutions[-1]
            assert isinstance(last, nn.Conv2d)
            nn.init.zeros_(last.weight)
    nn.init.zeros_(network.last.weight)


def train_unet(images: Images, grids: Sequence[Grid], settings: UnetFit, seed: int, compute: Compute) -> UNet:
    """Train on images (N, C, S, S), uint8, under the conditions of all grids; returned frozen and in eval mode."""
    network = UNet(channels=images.shape[1], width=settings.width)
    initialise_unet(network, torch_stream(seed, "initial weights", "unet"))
    some = to_float(images[np.arange(min(len(images), COUNTED))])
    network.mean.fill_(float(some.mean()))
    network.deviation.fill_(float(some.std()))
    network = compute.place_network(network)
    adam = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), fused=True)
    stream, progress = numpy_stream(seed, "batches", "unet"), Progress("train unet", settings.steps)
    conditions = [
        (grid, condition)
        for grid in grids
        for condition in grid.conditions
        if not grid.task.observe(some[:1], grid.settings, condition, seed).certain.all()  # nothing to learn from
    ]
    each = max(settings.batch_size // CONDITIONS, 1)
    for step in range(settings.steps):
        picked = [int(place) for place in stream.choice(len(conditions), CONDITIONS)]
        truth = to_float(images[np.sort(stream.integers(len(images), size=CONDITIONS * each))])
        stream.shuffle(truth)
        groups = [truth[place * each : (place + 1) * each] for place in range(CONDITIONS)]
        seen = stack(
            [
                grid.task.observe(own, grid.settings, condition, stream_seed(seed, "unet", step, place))
                for place, (own, (grid, condition)) in enumerate(
                    zip(groups, (conditions[place] for place in picked), strict=True)
                )
            ]
        )
        estimate = _estimate(network, seen, compute)
        open_pixels = compute.place(torch.from_numpy(~seen.certain)).expand_as(estimate)
        squared = torch.where(open_pixels, (estimate - compute.place(torch.from_numpy(truth))).square(), 0.0)
        counts = open_pixels.reshape(CONDITIONS, -1).sum(dim=1)
        errors = squared.reshape(CONDITIONS, -1).sum(dim=1) / counts
        loss = errors.clamp(min=LEAST_ERROR).log().mean()  # of logarithms, so that mild and heavy ones count alike
        set_rate(adam, settings.learning_rate * min((step + 1) / WARM_UP, cosine(step / settings.steps)))
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        adam.step()
        progress.advance()
    return network.requires_grad_(False).eval()


@torch.no_grad()
def estimate_images(network: UNet, observation: Observation, compute: Compute) -> np.ndarray:
    """What the network makes of N observations: images (N, C, S, S), float32."""
    batches = np.array_split(
        np.arange(len(observation.y)), math.ceil(len(observation.y) / images_at_a_time(observation.y.shape[-1]))
    )
    found = [_estimate(network, observation.rows(batch), compute).cpu().contiguous() for batch in batches]
    return torch.cat(found).numpy()


def _estimate(network: UNet, observation: Observation, compute: Compute) -> Tensor:
    y, mask = (compute.place(torch.from_numpy(array)) for array in (observation.y, observation.mask))
    sigma = compute.place(torch.from_numpy(observation.sigma)[:, None, None, None])
    with compute.autocast():
        estimate: Tensor = network(torch.where(mask, y, 0.0), mask, sigma)
    return estimate
