"""A prior's generators -> data/saturation/: what reaches each of them while fresh discriminators learn against it."""

import numpy as np

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.artifacts import SATURATION
from stages.pipeline.command import no_arguments, say
from stages.pipeline.params import load_params
from stages.pipeline.storage import array_writer, publish, table_writer
from stages.pipeline.threads import map_in_threads
from stages.priors.saturation import Duel, fight
from stages.priors.slopes import OBJECTIVES
from stages.priors.trained import load_samples


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    settings, prior = params.saturate, params.usual_prior
    images = load_split("train", params.data).images
    kept = list(load_samples(prior))
    ages = sorted({0, kept[0], kept[-1]})
    # Age 0 has no file: of the last generator's only the shape is used then.
    of_age = {age: artifacts.training(prior, f"generator_{age or kept[-1]}.safetensors") for age in ages}
    duels = [
        Duel(of_age[age], age, number, images, settings, params.train, params.seed)
        for age in ages
        for number in range(settings.seeds)
    ]
    say(
        f"saturate: generators of {prior} after {ages} epochs, {settings.at[-1]} discriminator steps, {len(duels)} runs"
    )
    reached = map_in_threads(fight, duels)
    rows = sorted((row for own in reached for row in own.rows), key=lambda row: OBJECTIVES.index(row["objective"]))
    arrays = {f"logits_{name}": np.concatenate([own.logits[name] for own in reached]) for name in OBJECTIVES}
    arrays |= {f"slopes_{name}": np.concatenate([own.slopes[name] for own in reached]) for name in OBJECTIVES}
    publish({SATURATION / "gradients.csv": table_writer(rows), SATURATION / "logits.npz": array_writer(arrays)})
