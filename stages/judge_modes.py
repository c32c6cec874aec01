"""Samples of the small GANs -> data/judged_modes/modes.csv: how many modes, or classes, each of them covers."""

from stages.images.splits import load_split
from stages.judging.class_modes import class_judge
from stages.judging.embedding import load_embedding
from stages.judging.modes import mode_rows
from stages.pipeline.artifacts import JUDGED_MODES
from stages.pipeline.command import no_arguments
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish, table_writer
from stages.priors.max_min.played import load_played


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    test, played = load_split("test", params.data), load_played()
    judge, classes = None, 0
    if test.labels is not None:
        embedding = load_embedding(test.images, labelled=True, compute=choose_compute())
        judge, classes = class_judge(embedding, played, test.images.shape[1:])
    publish({JUDGED_MODES: table_writer(mode_rows(played, judge, classes))})
