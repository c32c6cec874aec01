"""The learned rival, trained longer than the study has time for: `python -m tests.benchmarks.unet`, after `dvc repro`.

data/long_runs/unet.csv gets a row for each task, condition and length of training, the study's own U-Net first: PSNR
of the study's test images, of hidden pixels where there are any, and by how much the posterior mean of the study's best
prior is ahead of this U-Net, image by image, with 95 % bootstrap intervals.
"""

import argparse
from functools import partial

import numpy as np

from stages.images.splits import load_split
from stages.judging.image_quality import mse, psnr
from stages.judging.intervals import Bootstrap
from stages.pipeline import artifacts
from stages.pipeline.networks import load_network
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.restoration.restored import BY_FLOW, BY_PRIOR, POSTERIOR_MEAN, load_restored
from stages.restoration.rival import restore
from stages.restoration.rivals.unet import RIVAL
from stages.restoration.task import load_grid, load_task
from stages.restoration.unet import UNet, train_unet

TABLE = artifacts.LONG_RUNS / "unet.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=4, help="times the study's steps (4)")
    arguments, params, compute = parser.parse_args(), load_params(), choose_compute()
    prior, bootstrap = params.default_prior, Bootstrap(params.measure.bootstrap, params.seed)
    wanted = BY_FLOW if artifacts.prior_and_latent(prior)[1] == artifacts.FLOW else BY_PRIOR
    images, grids = load_split("train", params.data).images, [load_grid(task, params) for task in params.tasks]
    longer = params.unet.model_copy(update={"steps": arguments.times * params.unet.steps})
    rows: list[Row] = []
    for steps, network in (
        (params.unet.steps, compute.place_network(load_network(UNet, artifacts.UNET))),
        (longer.steps, train_unet(images, grids, longer, params.seed, compute)),
    ):
        for task in params.tasks:
            observed = load_task(task, params)
            restored = load_restored(artifacts.restored_by_prior(task, prior), observed, wanted)
            estimate = restore(partial(RIVAL.estimate, network), observed.observation, {})
            own, others = (
                psnr(mse(observed.images, found, observed.hidden))
                for found in (estimate, restored.images[POSTERIOR_MEAN])
            )
            for condition in observed.conditions:
                cell = observed.cell(condition) & np.isfinite(own) & np.isfinite(others)
                if cell.any():
                    key = {"task": task, "condition": float(condition), "steps": steps, "prior": prior}
                    rows.append(
                        key
                        | {"n": int(cell.sum())}
                        | bootstrap.cells("psnr", own[cell])
                        | bootstrap.cells("difference", (others - own)[cell])
                    )
    publish({TABLE: table_writer(rows)})


if __name__ == "__main__":
    main()
