"""The modes of labelled images are their classes, as the pipeline's classifier tells them apart."""

import numpy as np
import torch

from stages.judging.embedding import Embedding
from stages.judging.modes import SURE, Judge
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.storage import Arrays
from stages.priors.max_min.coordinates import Coordinates
from stages.priors.max_min.played import LOADINGS, MEAN, SAMPLES_FILE


def class_judge(embedding: Embedding, played: Arrays, shape: tuple[int, ...]) -> tuple[Judge, int]:
    """What takes coordinates and tells the classes of images (C, S, S) of this shape, and how many classes there are.

    An image is good where the classifier gives its class SURE or more. Raises UserError for coordinates that are
    missing or of images of another shape.
    """
    if MEAN not in played or LOADINGS not in played or played[MEAN].shape != shape:
        raise UserError(f"{SAMPLES_FILE}: holds no images of shape {shape}: run `dvc repro`")
    coordinates = Coordinates(played[MEAN], played[LOADINGS])
    assert embedding.classes is not None

    @torch.no_grad()
    def judge(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        modes, sure = [], []
        for some in np.array_split(z, -(-len(z) // images_at_a_time(shape[-1]))):
            images = embedding.compute.place(torch.from_numpy(coordinates.decode(some)))
            probability, found = embedding.network(images).softmax(dim=1).max(dim=1)
            modes.append(found.cpu().numpy())
            sure.append((probability >= SURE).cpu().numpy())
        return np.concatenate(modes), np.concatenate(sure)

    return judge, embedding.classes
