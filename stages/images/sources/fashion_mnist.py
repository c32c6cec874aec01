"""Fashion-MNIST (Xiao et al. 2017), or any other set in MNIST's four IDX files, gzipped or not, in one folder."""

from pathlib import Path

from stages.images.idx import idx_header, read_idx
from stages.images.source import Source

REMEDY = "Debian's package dataset-fashion-mnist and torchvision's downloader have the files"

SOURCE = Source(
    header=lambda data: idx_header(Path(data.path), REMEDY),
    read=lambda data: read_idx(Path(data.path), REMEDY),
)
