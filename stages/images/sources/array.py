"""One .npy, N x H x W x C or N x H x W, uint8, as CelebA64 comes. It is used where it lies and never read whole."""

from pathlib import Path

from stages.images.counts import Header
from stages.images.source import Pool, Source
from stages.images.stored import stored_shape

SOURCE = Source(
    header=lambda data: Header(stored_shape(Path(data.path))),
    read=lambda data: Pool(Path(data.path), labels=None),
)
