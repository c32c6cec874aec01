"""Training and test images -> data/observed/inversion.npz: seen whole and without noise, to be inverted."""

import numpy as np

from stages.images.picking import pick_images
from stages.pipeline import artifacts
from stages.pipeline.command import no_arguments
from stages.pipeline.params import load_params
from stages.restoration.observation import clean
from stages.restoration.observed import Observed, save_observed


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    sources = ("train", "test")
    images, labels = zip(*(pick_images(source, params.images, params.seed) for source in sources), strict=True)
    whole = np.concatenate(images)
    condition = np.repeat(sources, params.images)
    observed = Observed(whole, np.concatenate(labels), clean(whole), condition, "source")
    save_observed({artifacts.observed(artifacts.INVERSION): observed})
