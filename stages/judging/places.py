"""Where the errors of an inversion sit: by class, by thickness of strokes, at edges of ink, inside it, off it.

Ink is what differs from the image's ground (images/ground.py): strokes of a digit, what stands out of a photograph.
"""

import numpy as np

from stages.images.ground import ground, ink_level
from stages.judging.image_quality import mse, psnr
from stages.judging.intervals import Bootstrap
from stages.judging.spectra import ratio
from stages.judging.traits import INK_LEVEL, pooled_sources, stroke_thickness
from stages.pipeline.storage import Row
from stages.restoration.observed import Observed
from stages.restoration.restored import Restored


def places(level: np.ndarray) -> dict[str, np.ndarray]:
    """Where the pixels of ink levels (N, H, W) lie, bool (N, 1, H, W) each; a pixel is in one place.

    edge: on either side of the level INK_LEVEL, a neighbour lying on the other; so two pixels wide, as wide as MNIST's
    anti-aliased edges are. interior: other ink. background: other ground.
    """
    ink = level[:, None] >= INK_LEVEL
    height, width = ink.shape[2:]
    framed = np.pad(ink, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = [(0, 1), (2, 1), (1, 0), (1, 2)]
    edge = np.any([framed[:, :, i : i + height, j : j + width] != ink for i, j in shifts], axis=0)
    return {"edge": edge, "interior": ink & ~edge, "background": ~ink & ~edge}


def feature_rows(prior: str, observed: Observed, restored: Restored, bootstrap: Bootstrap) -> list[Row]:
    """One row for each method, pooled source, feature and value: how large errors are, and where they sit.

    Features: `class`, the label, where there are labels; `thickness`, terciles of the real images' strokes, the value
    being the mean in pixels; `place`, see `places`. `residual_share` is the residual's energy beside the image's on the
    same pixels, `share_of_error` beside the residual's on all, to be read against `share_of_pixels`. n counts images.
    What no image has, such as strokes, has no row.
    """
    sources, level = pooled_sources(observed), ink_level(observed.images, ground(observed.images))
    where, thickness = places(level), stroke_thickness(level)
    inked = thickness > 0
    # The real images are the same for every prior, and so are these bins.
    real = thickness[inked & (sources == "real")]
    tercile = np.digitize(thickness, np.quantile(real, [1 / 3, 2 / 3]) if len(real) else [0, 0])

    rows: list[Row] = []
    for method, images in restored.images.items():
        for source in dict.fromkeys(sources.tolist()):
            cell = sources == source
            # (feature, value) -> pixels (N, 1, H, W)
            groups: dict[tuple[str, object], np.ndarray] = {}
            if observed.labels is not None:
                for label in np.unique(observed.labels[cell]):
                    groups["class", int(label)] = _whole(cell & (observed.labels == label), where["edge"])
            for number in range(3):
                within = cell & inked & (tercile == number)
                if within.any():
                    groups["thickness", round(thickness[within].mean(), 2)] = _whole(within, where["edge"])
            for place, pixels in where.items():
                groups["place", place] = pixels & cell[:, None, None, None]
            rows += [
                {"prior": prior, "method": method, "source": source, "feature": feature, "value": value}
                | _errors(observed.images, images, pixels, cell, bootstrap)
                for (feature, value), pixels in groups.items()
                if pixels.any()
            ]
    return rows


def _whole(which: np.ndarray, like: np.ndarray) -> np.ndarray:
    """All pixels of the images `which` (N,): bool, of the shape of `like`."""
    return np.broadcast_to(which[:, None, None, None], like.shape)


def _errors(
    images: np.ndarray,  # (N, C, H, W)
    restored: np.ndarray,
    pixels: np.ndarray,  # (N, 1, H, W), bool: those that the row is about
    cell: np.ndarray,  # (N,), bool: the images that they are a part of
    bootstrap: Bootstrap,
) -> Row:
    some = pixels.any(axis=(1, 2, 3))
    error = mse(images[some], restored[some], pixels[some])
    image_energy = np.square(images.astype(np.float64))
    residual_energy = np.square(images.astype(np.float64) - restored)
    residual = (residual_energy * pixels).sum()
    return (
        {"n": len(error)}
        | bootstrap.cells("psnr", psnr(error))
        | {
            "mse": error.mean(),
            "residual_share": ratio(residual, (image_energy * pixels).sum()),
            "share_of_error": ratio(residual, residual_energy[cell].sum()),
            "share_of_pixels": pixels.sum() / pixels[cell].size,
        }
    )
