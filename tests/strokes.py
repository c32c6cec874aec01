"""Images of strokes whose width, lean and holes are known."""

import math

import numpy as np

SIDE = 28


def bars(width: float, angle: float = 0.0) -> np.ndarray:
    """One image (1, 1, 28, 28) of an anti-aliased bar, 20 pixels long and `width` wide, turned by `angle` degrees."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    along = x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle))
    across = y * math.cos(math.radians(angle)) - x * math.sin(math.radians(angle))
    outside = np.maximum(np.abs(along) - 10, np.abs(across) - width / 2)
    return np.clip(0.5 - outside, 0, 1).astype(np.float32)[None, None]


def ring(width: float = 3, lean: float = 0) -> np.ndarray:
    """One image of a circle, 7 pixels in radius, sheared by `lean` columns a row."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    return np.clip(0.5 + width / 2 - np.abs(np.hypot(x - lean * y, y) - 7), 0, 1).astype(np.float32)[None, None]


def low_pass(images: np.ndarray, cut: float = 7.5) -> np.ndarray:
    """Frequencies below `cut` cycles per side unchanged, the others halved."""
    along = np.fft.fftfreq(SIDE, 1 / SIDE)
    gain = np.where(np.hypot(along[:, None], along) < cut, 1, 0.5)
    return np.fft.ifft2(np.fft.fft2(images) * gain).real
