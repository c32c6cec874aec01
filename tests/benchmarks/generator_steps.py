"""A GAN whose generator takes as many steps as the VAE's: `python -m tests.benchmarks.generator_steps`.

Run after `dvc repro`. The non-saturating GAN is trained once more, with one discriminator step before each generator
step and the same passes over the images. data/long_runs/generator_steps.csv gets a row for each task, condition and
GAN, the study's own first: PSNR of the posterior means of the study's test images, of hidden pixels where there are
any, and by how much they are ahead of the VAE's, image by image, with 95 % bootstrap intervals. Codes are drawn from
N(0, I).
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from stages.images.picking import pick_images
from stages.images.splits import load_split
from stages.judging.image_quality import mse, psnr
from stages.judging.intervals import Bootstrap
from stages.pipeline import artifacts
from stages.pipeline.networks import network_writer
from stages.pipeline.numerics.compute import Compute, choose_compute
from stages.pipeline.params import Params, load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.priors.misfit import load_misfit
from stages.priors.networks import load_for_search
from stages.priors.training import Setting, train
from stages.restoration.inversion import FIRST_MISFIT, measure_misfit
from stages.restoration.latent.prior import LatentPrior, load_prior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.observed import Observed
from stages.restoration.side_by_side import posterior_means
from stages.restoration.task import load_task

TABLE = artifacts.LONG_RUNS / "generator_steps.csv"
GAN, OTHER = "non_saturating", "vae"


def study_prior(name: str, compute: Compute) -> LatentPrior:
    misfit, _ = load_misfit(name)
    return load_prior(name, misfit, compute)


def more_generator_steps(params: Params, compute: Compute) -> tuple[LatentPrior, int]:
    """The GAN of one discriminator step, as a prior with a misfit of its own, and the steps of its generator."""
    images = load_split("train", params.data).images
    settings = params.train.model_copy(update={"discriminator_steps": 1, "sample_epochs": []})
    trained = train(GAN, Setting(images, settings, params.seed, choose_compute()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generator.safetensors")
        publish({path: network_writer(trained.generators[settings.epochs])})
        generator = compute.place_network(load_for_search(path))
    prior = LatentPrior(generator, settings.latent_dim, images.shape[1:], FIRST_MISFIT)
    validation, _ = pick_images("validation", params.images, params)
    misfit, _ = measure_misfit(LatentSearch(prior, params.search, params.seed, compute), validation)
    return prior.with_misfit(misfit), trained.history[-1]["g_steps"]


def quality(prior: LatentPrior, observed: Observed, params: Params, compute: Compute) -> np.ndarray:
    """PSNR (N,) of the posterior mean of each image, dB."""
    search = LatentSearch(prior, params.search, params.seed, compute)
    return psnr(mse(observed.images, posterior_means(search, observed.observation), observed.hidden))


def main() -> None:
    params = load_params()
    compute = choose_compute().for_images(load_split("test", params.data).images.shape[-1])
    bootstrap = Bootstrap(params.measure.bootstrap, params.seed)
    training = pd.read_csv(artifacts.table("training"))
    usual_steps = int(training[training.prior == GAN].g_steps.max())
    longer, more_steps = more_generator_steps(params, compute)
    gans = (
        (params.train.discriminator_steps, usual_steps, study_prior(GAN, compute)),
        (1, more_steps, longer),
    )
    rows: list[Row] = []
    for task in params.tasks:
        observed = load_task(task, params)
        others = quality(study_prior(OTHER, compute), observed, params, compute)
        for discriminator_steps, g_steps, prior in gans:
            own = quality(prior, observed, params, compute)
            for condition in observed.conditions:
                cell = observed.cell(condition) & np.isfinite(own) & np.isfinite(others)
                if cell.any():
                    key = {"prior": GAN, "discriminator_steps": discriminator_steps, "g_steps": g_steps, "task": task}
                    rows.append(
                        key
                        | {"condition": float(condition), "against": OTHER, "n": int(cell.sum())}
                        | bootstrap.cells("psnr", own[cell])
                        | bootstrap.cells("difference", own[cell] - others[cell])
                    )
    publish({TABLE: table_writer(rows)})


if __name__ == "__main__":
    main()
