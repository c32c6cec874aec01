"""Images -> features, by whichever network `classify` has left: a classifier, or without labels an autoencoder."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.images.stored import Images
from stages.judging.autoencoder import Denoiser
from stages.judging.classifier import Classifier
from stages.pipeline.artifacts import CLASSIFIER
from stages.pipeline.errors import UserError
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.sizes import images_at_a_time

CLASSIFIER_FILE, DENOISER_FILE = "classifier.safetensors", "denoiser.safetensors"


@dataclass(frozen=True)
class Embedding:
    """A trained network, frozen, on its device."""

    network: Classifier | Denoiser
    compute: Compute

    @property
    def classes(self) -> int | None:
        """How many classes it tells apart; None for an autoencoder."""
        return self.network.arguments["classes"] if isinstance(self.network, Classifier) else None

    @torch.no_grad()
    def embed(self, batches: Iterable[np.ndarray]) -> tuple[Tensor, np.ndarray | None]:
        """features (N, 128), float64, and predicted labels (N,), uint8, or None, of batches of images (n, C, S, S).

        The images are float32 in [0, 1]; one batch at a time need be in memory. Features are double, since distances
        within a collapsed cloud are differences of near equals.
        """
        features, labels = [], []
        for images in batches:
            for batch in torch.from_numpy(images).split(images_at_a_time(images.shape[-1])):
                found = self.network.features(self.compute.place(batch))
                features.append(found.cpu().double())
                if isinstance(self.network, Classifier):
                    labels.append(self.network.classes(found).argmax(dim=1).to(torch.uint8).cpu())
        return torch.cat(features), torch.cat(labels).numpy() if labels else None

    def see(self, images: np.ndarray) -> np.ndarray:
        """The labels (N,), uint8, that a classifier sees in images (N, C, S, S), float32 in [0, 1]."""
        _, labels = self.embed([images])
        assert labels is not None
        return labels


def load_embedding(images: Images, labelled: bool, compute: Compute) -> Embedding:
    """The pipeline's network for images like these (N, C, S, S), with labels or without.

    Raises UserError for a file that is missing or damaged, or that is for images of another shape.
    """
    path = CLASSIFIER / (CLASSIFIER_FILE if labelled else DENOISER_FILE)
    network = load_network(Classifier, path) if labelled else load_network(Denoiser, path)
    channels, size = network.arguments["channels"], network.arguments["image_size"]
    if images.shape[1:] != (channels, size, size):
        raise UserError(f"{path}: judges {(channels, size, size)}, the images are {images.shape[1:]}: run `dvc repro`")
    return Embedding(compute.place_network(network), compute)
