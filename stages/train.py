"""Prepared images -> data/priors/<prior>.safetensors, and data/training/<prior>/: its history and samples."""

from pathlib import Path

import torch

from stages.images.splits import load_split, split_files
from stages.pipeline import named
from stages.pipeline.checkpoint import locked_checkpoint, run_key
from stages.pipeline.command import choices, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.priors.training import Setting, train, trained_writers

# What a half-trained prior depends on beside its settings, images and loss: with other source it starts afresh.
SOURCE = [
    Path("stages/pipeline/numerics/pixels.py"),
    Path("stages/priors/adversarial.py"),
    Path("stages/priors/evidence.py"),
    Path("stages/priors/gan_loss.py"),
    Path("stages/priors/misfit.py"),
    Path("stages/priors/networks.py"),
    Path("stages/priors/training.py"),
    Path("stages/pipeline/checkpoint.py"),
    Path("stages/pipeline/numerics/compute.py"),
    Path("stages/pipeline/numerics/rates.py"),
    Path("stages/pipeline/numerics/sizes.py"),
    Path("stages/pipeline/numerics/streams.py"),
]


def main() -> None:
    params, compute = load_params(), choose_compute()
    (name,) = choices(__doc__, prior=params.priors)
    images = load_split("train", params.data).images
    say(f"train: {name} on {len(images)} images: {compute}")
    # The number of threads is a part of the compute: sums in another order end in other last bits.
    settings = {"loss": name, "seed": params.seed, "compute": str(compute), "torch": torch.__version__}
    files = [*split_files("train"), Path(named.LOSSES, f"{name}.py"), *SOURCE]
    key = run_key(settings | params.train.model_dump(), files)
    with locked_checkpoint(f"train-{name}", key) as checkpoint:
        trained = train(name, Setting(images, params.train, params.seed, compute), checkpoint)
        publish(trained_writers(name, trained))
        checkpoint.clear()
