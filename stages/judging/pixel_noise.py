"""Misfit as a noise level of its own: the variance of e in x = G(z) + e under which images are likeliest.

The misfit that restorations use has a fixed floor, 390 times the variance of an 8-bit step, so that no pixel outweighs
all others. Under it no density gets high where images are black for certain, and a likelihood measures the floor more
than the generator. Here floor and slope both are what maximises the likelihood of validation images.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from torch import Tensor

from stages.priors.misfit import FLOOR, Misfit

LEAST, MOST = 1e-7, 1.0  # variances; an 8-bit step, uniformly dequantised, has 1 / 12 / 256^2 = 1.3e-6
# Of g (1 - g), whose root's slope is infinite at 0. Small, so that black pixels have the floor's variance.
# `information`, which only turns coordinates, keeps the larger one of misfit.py.
DARKEST = 1e-12


@dataclass(frozen=True)
class PixelNoise(Misfit):
    """v(g) = floor + slope sqrt(g (1 - g))."""

    floor: float = FLOOR

    def variance(self, images: Tensor) -> Tensor:
        """v of each pixel of images in [0, 1]."""
        return self.floor + self.slope * (images * (1 - images)).clamp(min=DARKEST).sqrt()


def likeliest_noise(images: np.ndarray, drawn: np.ndarray, first: PixelNoise) -> PixelNoise:
    """The floor and slope that maximise the mean of log N(x; G(z), v(G(z))), by L-BFGS-B from `first`.

    images and drawn = G(z), float, of the same shape; with z samples of the posterior given the images it is the
    M-step of the EM algorithm (Dempster, Laird & Rubin 1977).
    """
    squared = np.square(images.astype(np.float64) - drawn)
    spread = np.sqrt(np.maximum(drawn * (1.0 - drawn), DARKEST))

    def loss(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
        floor, slope = np.exp(logarithms)
        variance = floor + slope * spread
        change = (1 / variance - squared / variance**2) / 2
        value = (squared / variance + np.log(variance)).mean() / 2
        return value, np.array([floor * change.mean(), slope * (change * spread).mean()])

    bounds = [(math.log(LEAST), math.log(MOST))] * 2
    start = np.log(np.clip([first.floor, float(first.slope)], LEAST, MOST))
    floor, slope = np.exp(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)
    return PixelNoise(float(slope), float(floor))
