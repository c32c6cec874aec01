"""A small classifier of the training labels: the pipeline's own judge of what a picture shows.

Trained on the training split only. Its classes say whether a restored digit kept its identity; its penultimate layer is
the feature space in which generated and real images are compared (gan/fidelity.py).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from stages.gan.networks import load_network
from stages.pipeline.compute import Compute
from stages.pipeline.progress import Progress
from stages.pipeline.seeding import torch_stream

FEATURES = 128
BATCH = 1000  # images classified at a time


class Classifier(nn.Module):
    """images (N, channels, S, S) in [0, 1] -> class logits (N, classes); `features` gives (N, 128).

    Two strided convolutions and two linear layers, about 99 % right on MNIST.
    """

    def __init__(self, *, channels: int, image_size: int, classes: int):
        super().__init__()
        self.shape = {"channels": channels, "image_size": image_size, "classes": classes}
        end = (image_size + 3) // 4
        self.features = nn.Sequential(
            nn.Conv2d(channels, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * end * end, FEATURES),
            nn.ReLU(),
        )
        self.classes = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classes(self.features(images))


def train_classifier(
    images: np.ndarray,  # (N, C, S, S), uint8
    labels: np.ndarray,  # (N,), uint8
    *,
    seed: int,  # of the study
    epochs: int,  # passes over the images
    batch_size: int,
    learning_rate: float,  # of Adam
    compute: Compute,
) -> Classifier:
    """Fit a Classifier by cross entropy; returned frozen and in eval mode."""
    channels, image_size = images.shape[1:3]
    classifier = Classifier(channels=channels, image_size=image_size, classes=int(labels.max()) + 1)
    weight_stream = torch_stream(seed, "initial weights", "classifier")
    for module in classifier.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=weight_stream)
            nn.init.zeros_(module.bias)
    classifier = compute.place(classifier)
    adam = torch.optim.Adam(classifier.parameters(), lr=learning_rate, fused=True)
    order_stream = torch_stream(seed, "data order", "classifier")
    dataset, targets = compute.place(torch.from_numpy(images)), compute.place(torch.from_numpy(labels).long())
    progress = Progress("train classifier", epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=order_stream).split(batch_size):
            batch = batch.to(compute.device)
            loss = cross_entropy(classifier(dataset[batch].float() / 255), targets[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
        progress.advance(note=f"cross entropy {loss.item():.3f}")
    return classifier.requires_grad_(False).eval()


@torch.no_grad()
def embed(classifier: Classifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """features (N, 128) and predicted labels (N,) of images (N, C, S, S) in [0, 1], on the classifier's device."""
    features = torch.cat([classifier.features(batch) for batch in images.split(BATCH)])
    return features, classifier.classes(features).argmax(dim=1)


def load_predictor(path: Path, compute: Compute) -> Callable[[np.ndarray], np.ndarray]:
    """The saved classifier as a function: images (N, C, S, S), float32 -> predicted labels (N,), uint8."""
    classifier = compute.place(load_network(Classifier, path))
    return lambda images: embed(classifier, compute.place(torch.from_numpy(images)))[1].to(torch.uint8).cpu().numpy()


def predicted_labels(
    classify: Callable[[np.ndarray], np.ndarray],  # images (N, C, H, W) -> labels (N,)
    pictures: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """What a classifier sees in each of some pictures: `<name>_labels` (N,), uint8."""
    return {f"{name}_labels": classify(images) for name, images in pictures.items()}
