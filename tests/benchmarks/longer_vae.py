"""The VAE and its flow, trained longer than the study has time for: `python -m tests.benchmarks.longer_vae`.

Run after `dvc repro`. As much longer as the U-Net of data/long_runs/unet.csv: so many times the study's epochs and
steps of the flow, all else as in the study. It restores the study's own test images, seen as the study saw them.
data/long_runs/vae.csv gets a row for each latent, task and condition: PSNR of the posterior means, of hidden pixels
where there are any, with 95 % bootstrap intervals. A killed training goes on after its last epoch.
"""

import argparse
from pathlib import Path

import torch

from stages.images.splits import load_split, split_files
from stages.pipeline import artifacts
from stages.pipeline.artifacts import FLOW, NORMAL
from stages.pipeline.checkpoint import locked_checkpoint, run_key
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.priors.networks import Encoder
from stages.priors.training import Setting, train
from stages.train import SOURCE
from tests.benchmarks.retrained import as_prior, flowed, quality_rows

TABLE = artifacts.LONG_RUNS / "vae.csv"
NAME = "vae"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=4, help="times the study's epochs and steps (4)")
    times, params, compute = parser.parse_args().times, load_params(), choose_compute()
    settings = params.train.model_copy(update={"epochs": times * params.train.epochs, "sample_epochs": []})
    of_flow = params.flow.model_copy(update={"steps": times * params.flow.steps})
    images = load_split("train", params.data).images
    key = {"loss": NAME, "seed": params.seed, "compute": str(compute), "torch": torch.__version__}
    files = [*split_files("train"), Path(f"stages/priors/losses/{NAME}.py"), *SOURCE]
    with locked_checkpoint("longer-vae", run_key(key | settings.model_dump(), files)) as checkpoint:
        trained = train(NAME, Setting(images, settings, params.seed, compute), checkpoint)
        encoder, compute = trained.networks["encoder"], compute.for_images(images.shape[-1])
        assert isinstance(encoder, Encoder)
        prior = as_prior(trained.generators[settings.epochs], params, compute)
        latents = {NORMAL: prior, FLOW: flowed(prior, encoder, of_flow, params, params.seed, compute)}
        about = {"prior": NAME, "epochs": settings.epochs, "flow_steps": of_flow.steps}
        rows = [
            row
            for latent, own in latents.items()
            for task in params.tasks
            for row in quality_rows(own, task, about | {"latent": latent}, params, compute)
        ]
        publish({TABLE: table_writer(rows)})
        checkpoint.clear()


if __name__ == "__main__":
    main()
