"""How much each part of a restoration loses: `python -m tests.benchmarks.limits`, after `dvc repro`.

Validation images, seen under heavy noise and with two windows missing, restored with each prior that has a flow, from
N(0, I) and from the flow. data/long_runs/limits.csv gets a row for each prior, latent and condition:

psnr              of the posterior mean, as in the study; of hidden pixels where there are any, in dB
more_chains       the same with ten times the evaluations: twice the chains, each of five times the steps
representation    of the image that the generator draws of the true image's code, which a search
                  finds on the whole clean image
missed            share of images whose search ended at a code worse, given what is seen, than the true one
truth_nats        by how many nats the true code is less likely than a draw of the latent distribution:
                  ||z||^2 / 2 - latent_dim / 2
right             share of restored images that the classifier reads as it reads the true image; empty without labels

So from `psnr` to `more_chains` the sampler loses, `missed` counts failures of the search, and from `more_chains` to
`representation` the observation or the prior lacks information.
"""

import argparse

import numpy as np
import torch

from stages.judging.embedding import Embedding, load_embedding
from stages.judging.image_quality import mse, psnr
from stages.pipeline.artifacts import LONG_RUNS, prior_and_latent, with_flow
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import Row, publish, table_writer
from stages.priors.misfit import load_misfit
from stages.restoration.latent.objective import flatten_chains
from stages.restoration.latent.prior import load_prior
from stages.restoration.latent.search import LatentSearch, explore, map_search
from stages.restoration.observation import clean
from stages.restoration.observed import Observed
from stages.restoration.posterior import sample_posterior
from stages.restoration.task import load_tuning

TABLE = LONG_RUNS / "limits.csv"
CONDITIONS = {"denoising": "0.5", "inpainting": "2"}
MORE_CHAINS, MORE_STEPS = 2, 5


def energies(search: LatentSearch, seen: Observed, codes: np.ndarray) -> np.ndarray:
    """The energies (N,) of codes (N, latent_dim), given what is seen of N images."""
    flat, owner = flatten_chains(codes[:, None])
    images = torch.from_numpy(search.prior.draw(codes, search.compute))
    place = search.compute.place
    energy = search.objective(seen.observation).batch(owner, search.compute)(place(flat), place(images))
    return energy.cpu().numpy()


def row(search: LatentSearch, seen: Observed, judge: Embedding | None) -> Row:
    """What is lost where, of N images under one condition."""
    observation, where = seen.observation, seen.hidden
    objective = search.objective(observation)
    explored = explore(search, objective)
    mean, _ = sample_posterior(search, observation, explored)
    found = energies(search, seen, map_search(search, objective, explored))

    posterior = search.settings.posterior
    longer = {"steps": MORE_STEPS * posterior.steps, "burn_in": MORE_STEPS * posterior.burn_in}
    settings = search.settings.model_copy(update={"posterior": posterior.model_copy(update=longer)})
    patient = LatentSearch(search.prior, settings, search.seed, search.compute)
    patient = patient.with_restarts(MORE_CHAINS * search.settings.map.restarts)
    long_mean, _ = sample_posterior(patient, observation, explore(patient, objective))

    whole = search.objective(clean(seen.images))
    true_codes = map_search(search, whole, explore(search, whole))
    drawn = search.prior.draw(true_codes, search.compute)
    scores = {
        name: psnr(mse(seen.images, images, where)).mean()
        for name, images in {"psnr": mean, "more_chains": long_mean, "representation": drawn}.items()
    }
    nats = np.square(true_codes).sum(axis=1).mean() / 2 - search.prior.latent_dim / 2
    right = {"right": (judge.see(mean) == judge.see(seen.images)).mean()} if judge else {"right": None}
    return scores | {"missed": (found > energies(search, seen, true_codes)).mean(), "truth_nats": nats} | right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=48, help="validation images under each condition")
    arguments = parser.parse_args()
    params, rows = load_params(), list[Row]()
    for prior in params.flows:
        for name in (prior, with_flow(prior)):
            for task, condition in CONDITIONS.items():
                tuning = load_tuning(task, params)
                seen = tuning.rows(np.flatnonzero(tuning.cell(condition))[: arguments.images])
                compute = choose_compute().for_images(seen.images.shape[-1])
                judge = load_embedding(seen.images, labelled=True, compute=compute) if seen.labels is not None else None
                misfit, _ = load_misfit(name)
                loaded = load_prior(name, misfit, compute, seen.images)
                search = LatentSearch(loaded, params.search, params.seed, compute)
                key = {"prior": prior, "latent": prior_and_latent(name)[1], "task": task, "condition": condition}
                rows.append(key | {"n": len(seen.images)} | row(search, seen, judge))
                print(rows[-1], flush=True)
    publish({TABLE: table_writer(rows)})


if __name__ == "__main__":
    main()
