"""BM3D (Dabov et al. 2007). The library is free for non-commercial use.

RGB images in the library's opponent colours, with blocks matched by brightness: on 64x64 graphics that gains 1.5 to
2.1 dB over red, green and blue one by one, and 0.5 to 0.7 dB over its YCbCr.
"""

import bm3d  # type: ignore[import-untyped]
import numpy as np

from stages.restoration.rival import Rival, denoise_each


def denoise(image: np.ndarray, sigma: float, *, threshold_block: int, wiener_block: int, strength: float) -> np.ndarray:
    """One image (H, W, C); the strength is in units of sigma."""
    profile = bm3d.BM3DProfile()
    profile.bs_ht, profile.bs_wiener = threshold_block, wiener_block
    profile.step_ht = profile.step_wiener = 2
    profile.nf = 0  # no tables for coloured noise: this is white, and they take 40 times as long as the rest
    profile.num_threads = 1  # several add in an order that varies, so the last bits would
    if image.shape[-1] == 3:
        return bm3d.bm3d_rgb(image, strength * sigma, profile)
    return bm3d.bm3d(image[..., 0], strength * sigma, profile)[..., None]


# Blocks of 8 are the usual ones, and the best on larger images under heavy noise. Smaller ones fit strokes three pixels
# wide better, but hard thresholds of blocks of 4 leave more noise, so they are tried with more strength.
RIVAL = Rival(
    denoise_each(denoise),
    [
        {"threshold_block": threshold_block, "wiener_block": wiener_block, "strength": strength}
        for threshold_block, wiener_block, strengths in (
            (8, 8, (0.9, 1.0, 1.1, 1.2)),
            (8, 4, (0.9, 1.0, 1.1)),
            (4, 4, (1.0, 1.1, 1.2, 1.3, 1.4)),
        )
        for strength in strengths
    ],
)
