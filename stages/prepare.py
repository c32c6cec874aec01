"""An image set -> data/prepared/: which images are for training, validation and test, their labels, and the images.

The images of `array` stay where they are.
"""

from stages.images.counts import check_counts
from stages.images.source import load_source
from stages.images.splits import save_splits, split_places
from stages.pipeline.command import no_arguments, say
from stages.pipeline.params import load_params


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    data = params.data
    source = load_source(data.name)
    header = source.header(data)
    check_counts(params, header)  # before images of one split get into another, if nobody has run `check`
    places = split_places(header, data, params.seed)
    save_splits(header, source.read(data), places)
    for name, own in places.items():
        say(f"prepare: {name}: {len(own)} images of {header.shape[1:]}")
