"""Non-local means (Buades et al. 2005); patches are compared less the noise that is known to be in them."""

import numpy as np
from skimage.restoration import denoise_nl_means

from stages.restoration.rival import Rival, denoise_each


def denoise(
    image: np.ndarray,
    sigma: float,
    *,
    patch_size: int,
    patch_distance: int,
    strength: float,
    fast_mode: bool,
) -> np.ndarray:
    """One image (H, W, C); the strength is in units of sigma."""
    return denoise_nl_means(
        image,
        patch_size=patch_size,
        patch_distance=patch_distance,
        h=strength * sigma,
        sigma=sigma,
        fast_mode=fast_mode,
        channel_axis=-1,
    ).reshape(image.shape)  # the library drops a single channel


# Fast mode weighs all pixels of a patch alike; the other mode, by their distance from its centre: better at most noise
# levels, but ten times slower. It is tried with larger patches the more noise there is, and with less strength.
RIVAL = Rival(
    denoise_each(denoise),
    [
        {"patch_size": size, "patch_distance": 7, "strength": strength, "fast_mode": True}
        for size in (5, 7)
        for strength in (0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
    ]
    + [{"patch_size": 5, "patch_distance": 10, "strength": strength, "fast_mode": True} for strength in (0.5, 1.0)]
    + [
        {"patch_size": size, "patch_distance": 7, "strength": strength, "fast_mode": False}
        for size, strengths in (
            (5, (0.8, 1.0, 1.2, 1.4, 1.6, 1.8)),
            (7, (0.5, 0.6, 0.7, 0.8, 1.0)),
            (9, (0.4, 0.5, 0.6)),
        )
        for strength in strengths
    ],
)
