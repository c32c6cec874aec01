"""A quick look: the pipeline with two of the losses, one epoch and few images, in the folder look/ -> its figures.

The folder is a copy of the project, so the workspace, its results and git stay as they are; when it is removed, nothing
is left. All stages run in one process, which loads torch once; a second look computes all anew.
"""

import subprocess
import sys
from pathlib import Path

from stages.pipeline.artifacts import FIGURES, REPORT
from stages.pipeline.command import no_arguments, say
from stages.pipeline.errors import UserError
from stages.pipeline.small_study import copy_project

LOOK = Path("look")


def main() -> None:
    no_arguments(__doc__)
    copy_project(LOOK)
    say(f"look: a small study in {LOOK}; the workspace stays as it is")
    if subprocess.run([sys.executable, "-m", "stages.pipeline.in_order"], cwd=LOOK).returncode:
        raise UserError(f"{LOOK}: the small study has failed; what came before says why")
    say(f"look: its report is {LOOK / REPORT[0]}, its figures are in {LOOK / FIGURES}")
