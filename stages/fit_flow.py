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
from stages.restoration.refine import average_axes, refine


def main() -> None:
    params = load_params()
    (name,) = choices(__doc__, prior=params.flows)
    train, validation = (load_split(split, params.data).images for split in ("train", "validation"))
    compute = choose_compute().for_images(train.shape[2])
    own = artifacts.training(name, "encoder.safetensors")
    if own.exists():  # it was trained together with the generator
        encoder = compute.place_network(load_network(Encoder, own))
        known, held_out = (encode(encoder, images, compute) for images in (train, validation))
    else:
        generator = compute.place_network(load_for_search(artifacts.generator(name)))
        misfit, _ = load_misfit(name)
        encoder = fit_encoder(generator, misfit, train, params.flow, params.seed, compute)
        axes, steps = average_axes(generator, misfit, params.seed, compute), params.flow.refine_steps
        known, held_out = (
            refine(generator, encoder, misfit, images, encode(encoder, images, compute), steps, axes, split, compute)
            for split, images in (("train", train), ("validation", validation))
        )
    flow, history = fit_flow(known, held_out, params.flow, params.seed, compute)
    gained = max(row["validation"] for row in history) - history[0]["normal"]
    say(f"fit_flow: {name}: codes of validation images are {gained:.1f} nats likelier than under N(0, I)")
    history_file = artifacts.training(artifacts.with_flow(name), HISTORY_FILE)
    publish({artifacts.flow(name): network_writer(flow), history_file: table_writer(history)})
