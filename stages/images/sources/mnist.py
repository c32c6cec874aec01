"""The embedded MNIST: gzipped IDX files under data/raw/, checked byte for byte."""

from pathlib import Path

from stages.images.idx import idx_header, read_idx
from stages.images.source import Source

# SHA-256 of the unpacked files (data/raw/README.md tells where they come from).
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
REMEDY = "MNIST is part of the repository: git checkout -- data/raw"

SOURCE = Source(
    header=lambda data: idx_header(Path(data.path), REMEDY),
    read=lambda data: read_idx(Path(data.path), REMEDY, SHA256),
)
