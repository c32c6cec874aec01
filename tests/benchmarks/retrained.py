"""A prior that is trained once more, outside the study, and searched as the study's own are."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from stages.images.picking import pick_images
from stages.images.splits import load_split
from stages.judging.image_quality import mse, psnr
from stages.judging.intervals import Bootstrap
from stages.pipeline.networks import network_writer
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import FlowFit, Params
from stages.pipeline.storage import Row, publish
from stages.priors.flow_fit import encode, fit_flow
from stages.priors.networks import Encoder, Generator, load_for_search
from stages.restoration.inversion import FIRST_MISFIT, measure_misfit
from stages.restoration.latent.prior import LatentPrior
from stages.restoration.latent.search import LatentSearch
from stages.restoration.observed import Observed
from stages.restoration.side_by_side import posterior_means
from stages.restoration.task import load_task


def as_prior(trained: Generator, params: Params, compute: Compute) -> LatentPrior:
    """A generator as training left it, with the misfit of validation images; codes from N(0, I)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generator.safetensors")
        publish({path: network_writer(trained)})
        generator = compute.place_network(load_for_search(path))
    validation, _ = pick_images("validation", params.images, params)
    prior = LatentPrior(generator, generator.arguments["latent_dim"], FIRST_MISFIT)
    misfit, _ = measure_misfit(LatentSearch(prior, params.search, params.seed, compute), validation)
    return prior.with_misfit(misfit)


def flowed(
    prior: LatentPrior, encoder: Encoder, settings: FlowFit, params: Params, seed: int, compute: Compute
) -> LatentPrior:
    """The prior with a flow that is fitted to what its encoder makes of training images."""
    splits = [load_split(split, params.data).images for split in ("train", "validation")]
    known, held_out = (encode(encoder, images, compute) for images in splits)
    return replace(prior, flow=fit_flow(known, held_out, settings, seed, compute)[0])


def quality(prior: LatentPrior, observed: Observed, params: Params, compute: Compute) -> np.ndarray:
    """PSNR (N,) of the posterior mean of each image, dB; of hidden pixels where there are any."""
    search = LatentSearch(prior, params.search, params.seed, compute)
    return psnr(mse(observed.images, posterior_means(search, observed.observation), observed.hidden))


def quality_rows(prior: LatentPrior, task: str, key: Row, params: Params, compute: Compute) -> list[Row]:
    """The study's own test images restored: `key`, task, condition, n, and psnr with its 95 % interval, dB."""
    observed, bootstrap = load_task(task, params), Bootstrap(params.measure.bootstrap, params.seed)
    own, rows = quality(prior, observed, params, compute), list[Row]()
    for condition in observed.conditions:
        cell = observed.cell(condition) & np.isfinite(own)
        if cell.any():
            at = {"task": task, "condition": float(condition), "n": int(cell.sum())}
            rows.append(key | at | bootstrap.cells("psnr", own[cell]))
    return rows
