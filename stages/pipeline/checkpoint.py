"""Checkpoints of a training run: killed at any moment, it goes on where it was and ends in the same bytes.

They lie in `.work/<name>/<key>/` under the root, not among the outputs, which DVC deletes as a stage starts.
The key is a hash of all that the run depends on, so a run with other parameters, code or data starts afresh beside it.
Tensors are safetensors, everything else is the JSON in its header: no pickles.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from stages.pipeline.command import say
from stages.pipeline.errors import UserError
from stages.pipeline.storage import publish

FILE = "checkpoint.safetensors"
State = tuple[dict[str, Tensor], list[dict[str, float]]]  # tensors by name, and the history, a row an epoch


def run_key(settings: Mapping[str, object], files: list[Path]) -> str:
    """A hash of a run's settings and of the bytes of the files (source and data) that it depends on."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Checkpoint:
    """The one file of a run's last finished epoch."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / FILE

    def save(self, tensors: Mapping[str, Tensor], history: list[dict[str, float]]) -> None:
        """Replace the checkpoint in one step. Raises UserError if it cannot be written; the old one then stays."""
        on_host = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        metadata = {"history": json.dumps(history)}
        publish({self.path: lambda file: file.write(safetensors.torch.save(on_host, metadata=metadata))})

    def load(self) -> State | None:
        """The last state, or None at the start. Raises UserError for a file that cannot be read."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
                return tensors, json.loads(file.metadata()["history"])
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.path}: not a readable checkpoint: {error}; delete it to start afresh") from None

    def clear(self) -> None:
        """Forget the run: it has ended well and its outputs are in place."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def locked_checkpoint(name: str, key: str) -> Iterator[Checkpoint]:
    """The checkpoint of a run, for one process at a time: a second one gets a UserError.

    The lock goes with the process that holds it, however that ends.
    """
    folder = Path(os.environ.get("DVC_ROOT", "."), ".work", name, key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the folder, which goes when the run is done: a lock on a deleted file would lock nobody out.
        lock = open(folder.with_suffix(".lock"), "w")  # noqa: SIM115 (closed below, after the run)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder}: another process runs {name} with these parameters; wait for it") from None
        if not folder.joinpath(FILE).exists() and any(folder.parent.glob(f"*/{FILE}")):
            say(
                f"{name}: starts afresh: what is unfinished in {folder.parent} had other parameters, code, data, "
                "device or number of threads"
            )
        yield Checkpoint(folder)
