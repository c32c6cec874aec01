"""Random streams: one for each purpose, so that a new draw in one place never changes a result in another."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream_seed(seed: int, *purpose: str | int | float) -> int:
    """A 63-bit seed that depends on the study's seed and the purpose's words, and on nothing else."""
    text = "/".join(str(word) for word in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def numpy_stream(seed: int, *purpose: str | int | float) -> np.random.Generator:
    """A NumPy stream for one purpose, e.g. numpy_stream(0, "noise", "test")."""
    return np.random.default_rng(stream_seed(seed, *purpose))


def torch_stream(seed: int, *purpose: str | int | float) -> "torch.Generator":
    """A torch.Generator on the CPU for one purpose, so that every device draws the same numbers."""
    import torch  # here, because the stages that only make tables and figures never load torch

    return torch.Generator().manual_seed(stream_seed(seed, *purpose))
