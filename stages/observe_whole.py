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
    picked = [pick_images(source, params.images, params) for source in WHOLE]
    whole = np.concatenate([images for images, _ in picked])
    labels = [own for _, own in picked if own is not None]
    condition = np.repeat(WHOLE, params.images)
    observed = Observed(whole, np.concatenate(labels) if labels else None, clean(whole), condition, "source")
    publish({artifacts.observed(artifacts.INVERSION): observed_writer(observed)})
