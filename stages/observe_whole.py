"""Training and test images -> data/observed/inversion.npz: seen whole and without noise, to be inverted."""

import numpy as np

from stages.images.picking import pick_images
from stages.pipeline import artifacts
from stages.pipeline.command import no_arguments
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.restoration.observation import clean
from stages.restoration.observed import WHOLE, Observed, observed_writer


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    images, labels = zip(*(pick_images(source, params.images, params.seed) for source in WHOLE), strict=True)
    whole = np.concatenate(images)
    condition = np.repeat(WHOLE, params.images)
    observed = Observed(whole, np.concatenate(labels), clean(whole), condition, "source")
    publish({artifacts.observed(artifacts.INVERSION): observed_writer(observed)})
