"""A GAN whose generator takes as many steps as the VAE's: `python -m tests.benchmarks.generator_steps`.

Run after `dvc repro`. The non-saturating GAN is trained once more, with one discriminator step before each generator
step and the same passes over the images. data/long_runs/generator_steps.csv gets a row for each task, condition and
GAN, the study's own first: PSNR of the posterior means of the study's test images, of hidden pixels where there are
any, and by how much they are ahead of the VAE's, image by image, with 95 % bootstrap intervals. Codes are drawn from
N(0, I).
"""

import numpy as np
import pandas as pd

from stages.images.splits import load_split
from stages.judging.intervals import Bootstrap
from stages.pipeline import artifacts
from stages.pipeline.numerics.compute import Compute, choose_compute
from stages.pipeline.params import Params, load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.priors.misfit import load_misfit
from stages.priors.training import Setting, train
from stages.restoration.latent.prior import LatentPrior, load_prior
from stages.restoration.task import load_task
from tests.benchmarks.retrained import as_prior, quality

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
    return as_prior(trained.generators[settings.epochs], params, compute), trained.history[-1]["g_steps"]


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
