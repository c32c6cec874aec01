"""The part that a classifier and an autoencoder share, whose output is the feature space, and how both are trained."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from stages.images.stored import Images
from stages.pipeline.networks import SavedNetwork
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.pixels import tensor_to_float, to_float
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import Classify
from stages.pipeline.progress import Progress

FEATURES = 128
MAPS = 64  # of the last convolution, a quarter of the image's side wide
Trained = TypeVar("Trained", bound=SavedNetwork)


def trunk(channels: int, image_size: int) -> nn.Sequential:
    """images (N, channels, S, S) in [0, 1] -> features (N, 128): two strided convolutions and a linear layer."""
    end = (image_size + 3) // 4
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, MAPS, 3, stride=2, padding=1),
        nn.BatchNorm2d(MAPS),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(MAPS * end * end, FEATURES),
        nn.ReLU(),
    )


def initialise(network: nn.Module, stream: torch.Generator) -> None:
    """Draw weights as He et al. 2015 do before ReLUs; biases start at 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=stream)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def fit(
    network: Trained,
    name: str,  # of its stream of the data order, and in the progress
    images: Images,  # (N, C, S, S), uint8
    loss_of: Callable[[Trained, Tensor, Tensor], Tensor],  # network, images in [0, 1], their places among all -> loss
    settings: Classify,
    seed: int,
    compute: Compute,
) -> Trained:
    """Fit an initialised network with Adam; returned on the device, frozen and in eval mode."""
    network = compute.place_network(network)
    adam = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)
    order_stream = torch_stream(seed, "data order", name)
    progress = Progress(f"train {name}", settings.epochs)
    for _ in range(settings.epochs):
        for batch in torch.randperm(len(images), generator=order_stream).split(settings.batch_size):
            shown = tensor_to_float(compute.place(torch.from_numpy(images[batch.numpy()])))
            loss = loss_of(network, shown, batch)
            adam.zero_grad()
            loss.backward()
            adam.step()
        progress.advance(note=f"loss {loss.item():.3f}")
    return network.requires_grad_(False).eval()


def batches(images: Images, count: int | None = None) -> Iterator[np.ndarray]:
    """The first `count` images or all, as many at a time as memory is meant for: (n, C, S, S), float32 in [0, 1]."""
    count = len(images) if count is None else min(count, len(images))
    step = images_at_a_time(images.shape[-1])
    for start in range(0, count, step):
        yield to_float(images[start : min(start + step, count)])
