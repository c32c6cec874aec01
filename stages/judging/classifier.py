"""A small classifier of the training labels: the pipeline's own judge of what a picture shows.

Trained on the training split only. Its classes say whether a restored image, such as a digit, kept its identity; its
penultimate layer is the feature space in which generated and real images are compared (fidelity.py).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from stages.images.splits import Split
from stages.judging.trunk import FEATURES, fit, initialise, trunk
from stages.pipeline.networks import SavedNetwork
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import Classify


class Classifier(SavedNetwork):
    """images (N, channels, S, S) in [0, 1] -> class logits (N, classes); `features` gives (N, 128).

    About 99 % right on MNIST.
    """

    def __init__(self, *, channels: int, image_size: int, classes: int):
        super().__init__()
        self.arguments = {"channels": channels, "image_size": image_size, "classes": classes}
        self.features = trunk(channels, image_size)
        self.classes = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classes(self.features(images))


def train_classifier(split: Split, settings: Classify, seed: int, compute: Compute) -> Classifier:
    """Fit a Classifier to a split with labels by cross entropy; returned frozen and in eval mode."""
    assert split.labels is not None
    channels, image_size = split.images.shape[1:3]
    targets = compute.place(torch.from_numpy(split.labels).long())

    def loss_of(classifier: Classifier, shown: Tensor, places: Tensor) -> Tensor:
        return cross_entropy(classifier(shown), targets[places.to(compute.device)])

    classifier = Classifier(channels=channels, image_size=image_size, classes=int(split.labels.max()) + 1)
    initialise(classifier, torch_stream(seed, "initial weights", "classifier"))
    return fit(classifier, "classifier", split.images, loss_of, settings, seed, compute)
