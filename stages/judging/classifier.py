"""A small classifier of the training labels: the pipeline's own judge of what a picture shows.

Trained on the training split only. Its classes say whether a restored digit kept its identity; its penultimate layer is
the feature space in which generated and real images are compared (fidelity.py).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from stages.images.splits import Split
from stages.pipeline.artifacts import CLASSIFIER
from stages.pipeline.errors import UserError
from stages.pipeline.networks import SavedNetwork, load_network
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.pixels import tensor_to_float
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import Classify
from stages.pipeline.progress import Progress

FEATURES = 128
BATCH = 1000  # images classified at a time


class Classifier(SavedNetwork):
    """images (N, channels, S, S) in [0, 1] -> class logits (N, classes); `features` gives (N, 128).

    Two strided convolutions and two linear layers, about 99 % right on MNIST.
    """

    def __init__(self, *, channels: int, image_size: int, classes: int):
        super().__init__()
        self.arguments = {"channels": channels, "image_size": image_size, "classes": classes}
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


def train_classifier(split: Split, settings: Classify, seed: int, compute: Compute) -> Classifier:
    """Fit a Classifier by cross entropy; returned frozen and in eval mode."""
    images, labels = split.images, split.labels
    channels, image_size = images.shape[1:3]
    classifier = Classifier(channels=channels, image_size=image_size, classes=int(labels.max()) + 1)
    weight_stream = torch_stream(seed, "initial weights", "classifier")
    for module in classifier.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=weight_stream)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    classifier = compute.place_network(classifier)
    adam = torch.optim.Adam(classifier.parameters(), lr=settings.learning_rate, fused=True)
    order_stream = torch_stream(seed, "data order", "classifier")
    dataset, targets = compute.place(torch.from_numpy(images)), compute.place(torch.from_numpy(labels).long())
    progress = Progress("train classifier", settings.epochs)
    for _ in range(settings.epochs):
        for batch in torch.randperm(len(images), generator=order_stream).split(settings.batch_size):
            batch = batch.to(compute.device)
            loss = cross_entropy(classifier(tensor_to_float(dataset[batch])), targets[batch])
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


def load_classifier(compute: Compute, images: np.ndarray) -> Classifier:
    """The pipeline's classifier on the device, to judge images like these (N, C, S, S).

    Raises UserError for a file that is missing or damaged, or that judges images of another shape.
    """
    path = CLASSIFIER / "classifier.safetensors"
    classifier = compute.place_network(load_network(Classifier, path))
    channels, size = classifier.arguments["channels"], classifier.arguments["image_size"]
    if images.shape[1:] != (channels, size, size):
        raise UserError(f"{path}: judges {(channels, size, size)}, the images are {images.shape[1:]}: run `dvc repro`")
    return classifier


def predict(classifier: Classifier, compute: Compute, images: np.ndarray) -> np.ndarray:
    """What the classifier sees in images (N, C, S, S), float32: labels (N,), uint8."""
    return embed(classifier, compute.place(torch.from_numpy(images)))[1].to(torch.uint8).cpu().numpy()
