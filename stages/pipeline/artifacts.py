"""The one place that knows where files lie and how they are read and written.

Arrays are npz without pickles, weights safetensors, tables CSV, scalars JSON. Every file is written beside its
place and then moved into it, so a killed stage leaves an old file or a new one and never half of one.
"""

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from stages.pipeline.errors import UserError

RAW = Path("data/raw")
CHECKED = Path("data/checked.json")
PREPARED = Path("data/prepared")  # train.npz, validation.npz, test.npz: images, labels
CLASSIFIER = Path("data/classifier/classifier.safetensors")
# <loss>/: generator.safetensors, generator_<epoch>.safetensors, discriminator.safetensors, history.csv, samples.npz
MODELS = Path("data/models")
JUDGED = Path("data/judged/fidelity.csv")
MISFIT = Path("data/misfit")  # <loss>.json
INVERTED = Path("data/inverted")  # <loss>.npz, as are the next two
DENOISED = Path("data/denoised")
INPAINTED = Path("data/inpainted")
NORMS = Path("data/norms/norms.npz")
SOLVERS = Path("data/solvers")  # solvers.csv, restarts.csv
BASELINES = Path("data/baselines")  # denoised.npz, inpainted.npz, settings.csv
METRICS = Path("metrics")
PLOTS = Path("plots")


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, then move it into place. Raises UserError when the disk says no."""
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        with open(partial, "rb") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing behind it
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be written: {reason}") from None
    finally:
        with contextlib.suppress(OSError):  # where even this is refused, the first refusal is the one to tell
            partial.unlink()


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as an uncompressed npz: what DVC hashes is then the same for the same numbers."""
    write_atomically(path, lambda partial: np.savez(partial, allow_pickle=False, **arrays))


def load_arrays(path: Path, names: Iterable[str] = ()) -> dict[str, np.ndarray]:
    """Read an npz. Raises UserError if it is missing, damaged, pickled, lacks a name, or holds NaN or infinity."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `dvc repro` makes it") from None
    except Exception as error:  # zipfile, zlib and numpy each raise their own kinds for damaged bytes
        raise UserError(f"{path}: not a readable npz without pickles: {error}") from None
    for name in names:
        if name not in arrays:
            raise UserError(f"{path}: array {name!r} is missing; it has {sorted(arrays)}")
    for name, array in arrays.items():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise UserError(f"{path}: array {name!r} has values that are not finite")
    return arrays


def load_split(split: str) -> tuple[np.ndarray, np.ndarray]:
    """images (N, C, H, W) uint8 and labels (N,) uint8 of `train`, `validation` or `test`, checked."""
    path = PREPARED / f"{split}.npz"
    arrays = load_arrays(path, ["images", "labels"])
    images, labels = arrays["images"], arrays["labels"]
    for name, array, dimensions in (("images", images, 4), ("labels", labels, 1)):
        if array.dtype != np.uint8 or array.ndim != dimensions:
            raise UserError(f"{path}: {name} is {array.dtype} {array.shape}: allowed is uint8 with {dimensions} axes")
    if not 0 < len(images) == len(labels):
        raise UserError(f"{path}: {len(images)} images and {len(labels)} labels: allowed is one label for each image")
    if images.shape[1] not in (1, 3) or images.shape[2] != images.shape[3]:
        raise UserError(f"{path}: images of {images.shape[1:]}: allowed are 1 or 3 channels, square")
    return images, labels


def load_samples(loss: str) -> dict[int, np.ndarray]:
    """epoch -> images (64, C, H, W), uint8, of each generator that training kept, in the order of the epochs."""
    return {
        int(name.removeprefix("epoch_")): images for name, images in load_arrays(MODELS / loss / "samples.npz").items()
    }


def save_weights(path: Path, weights: Mapping[str, np.ndarray], metadata: Mapping[str, int]) -> None:
    """Write a state dict as safetensors, with the arguments that build its network as metadata."""
    text = {"shape": json.dumps(dict(metadata))}  # one entry: safetensors writes several in an order that varies
    contiguous = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    write_atomically(path, lambda partial: save_file(contiguous, partial, metadata=text))


def load_weights(path: Path) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Read safetensors and the shape saved with it. Raises UserError if it is missing, damaged or not finite."""
    try:
        with safe_open(path, framework="numpy") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
            metadata = json.loads((file.metadata() or {})["shape"])
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `dvc repro` makes it") from None
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise UserError(f"{path}: not a readable safetensors file: {error}") from None
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise UserError(f"{path}: weight {name!r} has values that are not finite")
    return weights, metadata


def save_table(path: Path, rows: pd.DataFrame | Sequence[Mapping[str, object]]) -> None:
    """Write rows as CSV: `loss` first, six significant digits, an empty cell for what is not finite."""
    table = pd.DataFrame(rows).replace([np.inf, -np.inf], np.nan)
    if "loss" in table:
        table.insert(0, "loss", table.pop("loss"))
    write_atomically(path, lambda partial: table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n"))


def load_table(path: Path) -> pd.DataFrame:
    """Read a CSV that `save_table` wrote; the loss `none` stays a word. Raises UserError if missing or damaged."""
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `dvc repro` makes it") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable CSV: {error}") from None


def save_json(path: Path, content: object) -> None:
    """Write JSON; NaN and infinity are refused, since JSON has neither."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def load_number(path: Path, name: str) -> float:
    """One number of a JSON object. Raises UserError if the file is missing or damaged or has no such number."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `dvc repro` makes it") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}") from None
    number = content.get(name) if isinstance(content, dict) else None
    if not isinstance(number, float) or not math.isfinite(number):
        raise UserError(f"{path}: {name} = {number!r}: allowed is a finite number")
    return number
