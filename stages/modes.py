"""Prepared images -> data/modes/: samples of many small GANs, trained in the orders min-max, one to one and max-min."""

from stages.images.splits import load_split
from stages.pipeline.artifacts import MODES
from stages.pipeline.command import no_arguments, say
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import array_writer, publish, table_writer
from stages.priors.max_min.coordinates import Coordinates
from stages.priors.max_min.played import SAMPLES_FILE
from stages.priors.max_min.study import learn_images, learn_mixtures
from stages.restoration.linear_model import fit_linear_model


def main() -> None:
    no_arguments(__doc__)
    params, compute = load_params(), choose_compute()
    settings, train = params.modes, load_split("train", params.data)
    samples, inner = learn_mixtures(settings, params.seed, compute)
    if train.labels is None:
        say("modes: the images have no labels, so their classes cannot be counted: mixtures alone")
    else:
        linear = fit_linear_model(train.images, settings.components)
        mean = linear.mean.reshape(train.images.shape[1:])
        coordinates = Coordinates(mean.astype("float32"), linear.loadings.astype("float32"))
        samples |= learn_images(coordinates, train.images, settings, params.seed, compute)
    publish({SAMPLES_FILE: array_writer(samples), MODES / "inner_minimum.csv": table_writer(inner)})
