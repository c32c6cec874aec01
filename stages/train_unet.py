"""Training images, as the tasks observe them -> data/unet/unet.safetensors: the learned rival, one network for all."""

from stages.images.splits import load_split
from stages.pipeline.artifacts import UNET
from stages.pipeline.command import no_arguments, say
from stages.pipeline.networks import network_writer
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.restoration.task import load_grid
from stages.restoration.unet import train_unet


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    images, grids = load_split("train", params.data).images, [load_grid(task, params) for task in params.tasks]
    say(f"train_unet: {', '.join(params.tasks)}: {compute}")
    publish({UNET: network_writer(train_unet(images, grids, params.unet, params.seed, compute))})
