"""A trained prior -> data/priors/<prior>-flow.safetensors: what its codes of training images are drawn from."""

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.command import choices, say
from stages.pipeline.networks import load_network, network_writer
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.priors.flow_fit import encode, fit_encoder, fit_flow
from stages.priors.misfit import load_misfit
from stages.priors.networks import Encoder, load_for_search
from stages.priors.trained import HISTORY_FILE
from stages.restoration.latent.refine import refine


def main() -> None:
    params, compute = load_params(), choose_compute()
    (name,) = choices(__doc__, prior=params.flows)
    train, validation = (load_split(split, params.data).images for split in ("train", "validation"))
    own = artifacts.training(name, "encoder.safetensors")
    if own.exists():  # it was trained together with the generator
        encoder = compute.place_network(load_network(Encoder, own))
        known, held_out = (encode(encoder, images, compute) for images in (train, validation))
    else:
        generator, misfit = compute.place_network(load_for_search(artifacts.generator(name))), load_misfit(name)[0]
        encoder = fit_encoder(generator, misfit, train, params.flow, params.seed, compute)
        steps = params.flow.refine_steps
        known, held_out = (
            refine(generator, encoder, misfit, images, encode(encoder, images, compute), steps, params.seed, compute)
            for images in (train, validation)
        )
    flow, history = fit_flow(known, held_out, params.flow, params.seed, compute)
    gained = max(row["validation"] for row in history) - history[0]["normal"]
    say(f"fit_flow: {name}: codes of validation images are {gained:.1f} nats likelier than under N(0, I)")
    history_file = artifacts.training(artifacts.with_flow(name), HISTORY_FILE)
    publish({artifacts.flow(name): network_writer(flow), history_file: table_writer(history)})
