"""Wavelet thresholds (Donoho & Johnstone 1994; Chang et al. 2000), averaged over 16 shifts of the image.

Two or three levels, where the library would take one for 28 pixels; at two, the shifts are all there are
(translation-invariant denoising, Coifman & Donoho 1995).
"""

import numpy as np
from skimage.restoration import cycle_spin, denoise_wavelet

from stages.restoration.rival import Rival, denoise_each


def denoise(
    image: np.ndarray, sigma: float, *, wavelet: str, levels: int, method: str, mode: str, strength: float
) -> np.ndarray:
    """One image (H, W, C); the strength is in units of sigma."""
    return cycle_spin(
        image,
        denoise_wavelet,
        max_shifts=3,
        workers=1,
        channel_axis=-1,
        func_kw={
            "sigma": strength * sigma,
            "wavelet": wavelet,
            "wavelet_levels": levels,
            "method": method,
            "mode": mode,
            "channel_axis": -1,
        },
    )


RIVAL = Rival(
    denoise_each(denoise),
    [
        {"wavelet": wavelet, "levels": levels, "method": method, "mode": mode, "strength": strength}
        for wavelet, levels in (("haar", 2), ("haar", 3), ("db2", 2))
        for method, mode, strength in (
            ("BayesShrink", "soft", 1.0),
            ("VisuShrink", "hard", 0.6),
            ("VisuShrink", "hard", 0.7),
            ("VisuShrink", "hard", 0.8),
            ("VisuShrink", "hard", 0.9),
        )
    ],
)
