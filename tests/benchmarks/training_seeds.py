"""How much a restoration depends on the one training behind it: `python -m tests.benchmarks.training_seeds PRIOR SEED`.

Run after `dvc repro`. The prior is trained once more with the study's parameters and another seed, which changes its
first weights, the order of the images and all random codes. It restores the study's own test images, seen as the
study saw them, and is searched with the study's seed. data/long_runs/training_seeds.csv gets a row for each task and
condition: PSNR of the posterior means, of hidden pixels where there are any, with 95 % bootstrap intervals, and the
slope of the generator's loss in the last epoch. Rows of other priors and seeds stay. Codes are drawn from N(0, I); for
a prior that the study also gives a flow, and that was trained together with an encoder, from a flow as well.
"""

import argparse

import pandas as pd

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.artifacts import FLOW, NORMAL
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.priors.networks import Encoder
from stages.priors.training import Setting, train
from stages.restoration.latent.prior import LatentPrior
from tests.benchmarks.retrained import as_prior, flowed, quality_rows

TABLE = artifacts.LONG_RUNS / "training_seeds.csv"


def main() -> None:
    params = load_params()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prior", choices=params.priors)
    parser.add_argument("seed", type=int, help=f"any but {params.seed}, the study's own")
    name, seed = vars(parser.parse_args()).values()
    if seed == params.seed:
        parser.error(f"seed {seed} is the study's own: metrics/ has its rows")

    images, compute = load_split("train", params.data).images, choose_compute()
    trained = train(name, Setting(images, params.train, seed, compute))
    compute = compute.for_images(images.shape[-1])
    latents: dict[str, LatentPrior] = {NORMAL: as_prior(trained.generators[params.train.epochs], params, compute)}
    encoder = trained.networks.get("encoder")
    if name in params.flows and isinstance(encoder, Encoder):
        latents[FLOW] = flowed(latents[NORMAL], encoder, params.flow, params, seed, compute)

    key = {"prior": name, "latent": "", "seed": seed, "loss_slope": trained.history[-1]["loss_slope"]}
    rows = [
        row
        for task in params.tasks
        for latent, prior in latents.items()
        for row in quality_rows(prior, task, key | {"latent": latent}, params, compute)
    ]
    table = pd.DataFrame(rows)
    if TABLE.exists():
        kept = pd.read_csv(TABLE)
        table = pd.concat([kept[(kept.prior != name) | (kept.seed != seed)], table])
    publish({TABLE: table_writer(table)})


if __name__ == "__main__":
    main()
