"""params.yaml and the image set's headers -> data/checked.json: mistakes in them end the run at once.

The output never changes, so a changed parameter re-runs this stage (a moment) and then only what depends on it. It
comes first because DVC deletes a stage's outputs before it starts: here there is nothing to lose.
"""

from stages.images.counts import check_counts, check_shape
from stages.images.source import load_source
from stages.pipeline.artifacts import CHECKED
from stages.pipeline.command import no_arguments, say
from stages.pipeline.errors import UserError
from stages.pipeline.memory import check_memory
from stages.pipeline.params import PARAMS_FILE, load_params, missing_rivals
from stages.pipeline.storage import json_writer, publish
from stages.restoration.task import load_grid
from stages.restoration.windows import check_windows


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    data = params.data
    header = load_source(data.name).header(data)
    _, channels, size, _ = header.shape
    check_shape(data.path, *header.shape[1:])
    if data.size not in (None, size):
        raise UserError(f"{PARAMS_FILE}: data.size = {data.size}: allowed with these images is {size} or null")
    training, validation, test = check_counts(params, header)
    say(f"check: {training} training, {validation} validation, {test} test images ({channels}, {size}, {size})")
    grids = [load_grid(task, params) for task in params.tasks]
    for grid in grids:
        grid.check(size)
    check_windows("norms", params.norms.holes, params.norms.window, size)
    conditions = max(len(grid.conditions) for grid in grids)
    say(f"check: {check_memory(params, channels, size, conditions)}")
    if left_out := missing_rivals():
        say(f"check: the study is without {', '.join(left_out)}: the package is not installed")
    publish({CHECKED: json_writer({"params.yaml": "checked"})})
