"""Training images -> data/glow/: a normalising flow over images, whose log p(x) is a formula."""

from stages.images.splits import load_split
from stages.pipeline import artifacts
from stages.pipeline.command import no_arguments, say
from stages.pipeline.networks import network_writer
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.priors.glow_fit import fit_glow


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    train, validation = (load_split(split, params.data).images for split in ("train", "validation"))
    glow, history = fit_glow(train, validation, params.glow, params.seed, compute)
    say(f"train_glow: {min(row['validation'] for row in history):.3f} bits per dimension of validation images")
    publish(
        {
            artifacts.GLOW / "glow.safetensors": network_writer(glow),
            artifacts.GLOW / "history.csv": table_writer(history),
        }
    )
