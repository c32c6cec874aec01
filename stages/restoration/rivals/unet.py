"""A U-Net trained to restore, by the stage `train_unet`: the learned rival."""

from typing import Any

import numpy as np

from stages.images.stored import Images
from stages.pipeline.artifacts import UNET
from stages.restoration.observation import Observation
from stages.restoration.rival import Rival


def load(_images: Images, _latent_dim: int) -> Any:
    """The trained network."""
    from stages.pipeline.networks import load_network  # here, since the other rivals need no torch
    from stages.restoration.unet import UNet

    return load_network(UNet, UNET)


def estimate(network: Any, observation: Observation) -> np.ndarray:
    from stages.pipeline.numerics.compute import choose_compute
    from stages.restoration.unet import estimate_images

    compute = choose_compute()
    return estimate_images(compute.place_network(network), observation, compute)


RIVAL = Rival(estimate, fit=load)
