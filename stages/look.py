"""A quick look: the pipeline with two of the losses, one epoch and few images, in the folder look/ -> its figures.

The folder is a copy of the project, so the workspace, its results and git stay as they are; when it is removed, nothing
is left. All stages run in one process, which loads torch once; a second look computes all anew.
"""

import subprocess
import sys
from pathlib import Path

from stages.images.counts import split_counts
from stages.images.source import load_source
from stages.pipeline.artifacts import FIGURES, REPORT
from stages.pipeline.command import no_arguments, say
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from stages.pipeline.small_study import copy_project

LOOK = Path("look")
MOST_TRAINING = 35_000  # images; the others of a larger set go to the validation split


def main() -> None:
    no_arguments(__doc__)
    copy_project(LOOK, validation_images())
    say(f"look: a small study in {LOOK}; the workspace stays as it is")
    if subprocess.run([sys.executable, "-m", "stages.pipeline.in_order"], cwd=LOOK).returncode:
        raise UserError(f"{LOOK}: the small study has failed; what came before says why")
    say(f"look: its report is {LOOK / REPORT[0]}, its figures are in {LOOK / FIGURES}")


def validation_images() -> int:
    """How many images a quick look sets apart for validation: params.yaml's number, or more where there are many."""
    data = load_params().data
    training, validation, _ = split_counts(load_source(data.name).header(data), data)
    return validation + max(training - MOST_TRAINING, 0)
