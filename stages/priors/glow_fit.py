"""Fitting a flow to images by maximum likelihood, and the bits that it needs for any images."""

import copy
import math

import numpy as np
import torch
from torch import Tensor, nn

from stages.images.stored import Images
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.pixels import LEVELS
from stages.pipeline.numerics.sizes import doublings, images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import PARAMS_FILE, GlowFit
from stages.pipeline.progress import Progress
from stages.pipeline.storage import Row
from stages.priors.glow import Glow, dequantise, glow_bits, initialise_glow

EVALUATIONS = 10  # of the flow on validation images; the best of them is kept
VALIDATION = 1000  # images behind each of them, or as many as there are
FIRST = 500  # training images that its steps are normalised by at the start
WARM_UP = 0.05  # share of the steps over which the rate rises; two steps at least
LARGEST_GRADIENT = 1.0  # its norm is cut there: an image far from all others can have a very large one


def fit_glow(
    train: Images, validation: Images, settings: GlowFit, seed: int, compute: Compute
) -> tuple[Glow, list[Row]]:
    """A flow fitted to training images (N, C, S, S), uint8, frozen and in eval mode, and its history.

    The history has a row for every tenth of the steps: bits per dimension of the training images since the last one,
    and of validation images. The flow of the best row is returned. All is float32: bfloat16 sums no log-scales.
    Raises UserError when it diverges.
    """
    stream = torch_stream(seed, "images of the flow")
    _, channels, size, _ = train.shape
    glow = Glow(
        channels=channels, image_size=size, levels=doublings(size), steps=settings.steps_per_level, width=settings.width
    )
    first = torch.randperm(len(train), generator=stream)[:FIRST]
    initialise_glow(glow, _dequantised(train, first, stream), torch_stream(seed, "initial weights", "glow"))
    glow = glow.to(compute.device)
    adam = torch.optim.Adam(glow.parameters(), lr=settings.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        adam,
        settings.learning_rate,
        total_steps=settings.steps + 1,
        pct_start=max(WARM_UP, 2 / (settings.steps + 1)),
        cycle_momentum=False,
    )
    progress = Progress("fit glow", settings.steps)
    best, history = glow, list[Row]()
    between = math.ceil(settings.steps / EVALUATIONS)
    total, seen = torch.zeros((), device=compute.device), 0
    for step in range(1, settings.steps + 1):
        picked = torch.randint(len(train), (settings.batch_size,), generator=stream)
        loss = glow_bits(glow, _dequantised(train, picked, stream).to(compute.device)).mean()
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(glow.parameters(), LARGEST_GRADIENT)
        adam.step()
        schedule.step()
        total, seen = total + loss.detach(), seen + 1
        progress.advance()
        if step % between == 0 or step == settings.steps:
            bits = image_bits(glow, validation[:VALIDATION], seed, compute).mean().item()
            history.append({"step": step, "train": total.item() / seen, "validation": bits})
            if not all(map(math.isfinite, history[-1].values())):
                raise UserError(
                    f"{PARAMS_FILE}: glow.learning_rate = {settings.learning_rate}: the flow over images diverged "
                    f"before step {step}; allowed are smaller ones"
                )
            total, seen = torch.zeros_like(total), 0
            if bits <= min(row["validation"] for row in history):
                best = copy.deepcopy(glow)
    return best.requires_grad_(False).eval(), history


@torch.no_grad()
def image_bits(glow: Glow, images: np.ndarray, seed: int, compute: Compute) -> np.ndarray:
    """Bits per dimension, (N,), float32, of images (N, C, S, S), uint8, each dequantised once.

    The same noise in each call: a pixel of one kind of images has that of the same pixel in another.
    """
    stream = torch_stream(seed, "dequantisation")
    found = [
        glow_bits(glow, dequantise(torch.from_numpy(own), stream).to(compute.device)).cpu() for own in _batches(images)
    ]
    return torch.cat(found).numpy()


@torch.no_grad()
def draw_images(glow: Glow, count: int, seed: int, compute: Compute) -> np.ndarray:
    """What the flow itself draws: images (count, C, S, S), uint8; levels that it draws beyond 0 and 255 are cut."""
    stream = torch_stream(seed, "samples of the flow")
    u = torch.randn(count, glow.dimensions, generator=stream)
    drawn = [glow(own.to(compute.device)).cpu() for own in u.split(images_at_a_time(glow.arguments["image_size"]))]
    return (torch.cat(drawn) * LEVELS).floor().clamp(0, LEVELS - 1).byte().numpy()


def _dequantised(images: Images, places: Tensor, stream: torch.Generator) -> Tensor:
    return dequantise(torch.from_numpy(images[places.numpy()]), stream)


def _batches(images: np.ndarray) -> list[np.ndarray]:
    return np.array_split(images, math.ceil(len(images) / images_at_a_time(images.shape[2])))
