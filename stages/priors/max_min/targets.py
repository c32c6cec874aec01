"""What the small GANs of a side study learn: mixtures of Gaussians in the plane, and images in few coordinates."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from stages.images.stored import Images
from stages.priors.max_min.coordinates import Coordinates
from stages.priors.max_min.mixtures import MIXTURES
from stages.priors.max_min.played import IMAGES

MOST_IMAGES = 20_000  # whose coordinates are drawn from; the first of a larger set


@dataclass(frozen=True)
class Target:
    """A distribution to be learned. Generators draw within the box [-reach, reach]^dimension."""

    name: str
    dimension: int
    reach: float
    draw: Callable[[int, torch.Generator], Tensor]  # how many, by what -> points (count, dimension), on the host


def mixture_target(name: str) -> Target:
    """The mixture of this name."""
    mixture = MIXTURES[name]
    centres = torch.from_numpy(mixture.centres)

    def draw(count: int, stream: torch.Generator) -> Tensor:
        picked = torch.randint(len(centres), (count,), generator=stream)
        return centres[picked] + mixture.std * torch.randn(count, 2, generator=stream)

    return Target(name, 2, mixture.reach, draw)


def image_target(coordinates: Coordinates, images: Images) -> Target:
    """Coordinates of images (N, C, S, S), uint8, without noise: one image is drawn at a time."""
    z = torch.from_numpy(coordinates.encode(images[:MOST_IMAGES]))

    def draw(count: int, stream: torch.Generator) -> Tensor:
        return z[torch.randint(len(z), (count,), generator=stream)]

    return Target(IMAGES, z.shape[1], float(math.ceil(z.abs().max().item())), draw)
