"""params.yaml and the raw files' headers -> data/checked.json: whatever is wrong is found before anything else runs.

The output never changes, so a changed parameter re-runs this stage (a moment) and then only what depends on it. It
comes first because DVC deletes a stage's outputs before it starts: here there is nothing to lose.
"""

from stages.pipeline.artifacts import CHECKED, save_json
from stages.pipeline.command import run
from stages.pipeline.params import load_params


def main() -> None:
    load_params()
    save_json(CHECKED, {"params.yaml": "checked"})


if __name__ == "__main__":
    run(main)
