"""A trained prior -> data/priors/<prior>-flow/: a flow over its codes of training images, in place of N(0, I)."""

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.networks import load_network, network_writer
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.priors.flow_fit import fit_encoder, fit_flow
from stages.priors.misfit import load_misfit
from stages.priors.networks import Encoder, load_for_search


def main() -> None:
    params, compute = load_params(), choose_compute()
    (name,) = choices(__doc__, prior=params.flows)
    train, validation = (load_split(split, params.data).images for split in ("train", "validation"))
    own = artifacts.prior(name, "encoder.safetensors")
    if own.exists():  # it was trained together with the generator
        encoder = compute.place_network(load_network(Encoder, own))
    else:
        generator = compute.place_network(load_for_search(artifacts.prior(name)))
        encoder = fit_encoder(generator, load_misfit(name)[0], train, params.flow, params.seed, compute)
    flow, history = fit_flow(encoder, train, validation, params.flow, params.seed, compute)
    gained = max(row["validation"] for row in history) - history[0]["normal"]
    say(f"fit_flow: {name}: codes of validation images are {gained:.1f} nats likelier than under N(0, I)")
    publish({artifacts.flow(name): network_writer(flow), artifacts.flow(name, "history.csv"): table_writer(history)})
