"""How close a restored image is to the image: MSE, PSNR and SSIM, of each image in [0, 1].

PSNR is taken of each image and then averaged, so that one bad image counts as one image.
"""

import numpy as np
from skimage.metrics import structural_similarity

LEAST_MSE = 1 / 255**2 / 12  # what rounding to uint8 leaves


def mse(images: np.ndarray, restored: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Mean squared error of each image (N,); `where` (N, 1, H, W), bool, restricts it to some pixels (NaN: to none)."""
    squared = np.square(images.astype(np.float64) - restored)
    if where is None:
        return squared.mean(axis=(1, 2, 3))
    where = np.broadcast_to(where, squared.shape)
    with np.errstate(invalid="ignore"):
        return (squared * where).sum(axis=(1, 2, 3)) / where.sum(axis=(1, 2, 3))


def psnr(mse: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB for a data range of 1: -10 log10(MSE). Infinite for equal images."""
    with np.errstate(divide="ignore"):
        return -10 * np.log10(mse)


def hidden_psnr(images: np.ndarray, restored: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """PSNR of each image's hidden pixels (N, 1, H, W), bool, in dB (N,): at most 59 dB, however well they are filled.

    A window of even colour can be filled without an error, and one such image would make a mean infinite.
    """
    return psnr(np.maximum(mse(images, restored, hidden), LEAST_MSE))


def ssim(images: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """Structural similarity of each image (N,) (Wang et al. 2004; scikit-image, 7x7 windows, data range 1)."""
    pairs = zip(images, restored.astype(images.dtype), strict=True)
    return np.array([structural_similarity(a, b, data_range=1.0, channel_axis=0) for a, b in pairs])
