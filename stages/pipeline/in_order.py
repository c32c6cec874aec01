"""All stages of dvc.yaml in DVC's order, but in one process: `python -m stages.pipeline.in_order`.

DVC starts a Python for each stage, and each loads torch: two to three seconds a stage. Here
all of them run, whatever is there already; `dvc commit --force` hands their outputs over to DVC.
"""

import sys
import time

from dvc.repo import Repo  # type: ignore[import-untyped]
from dvc.repo.reproduce import plan_repro  # type: ignore[import-untyped]

from stages.pipeline.command import run_stage, say


def main() -> None:
    began = time.monotonic()
    with Repo() as repo:
        stages = plan_repro(repo.index.graph)
    for number, stage in enumerate(stages, start=1):
        say(f"{stage.addressing}: stage {number} of {len(stages)}, after {time.monotonic() - began:.0f} s")
        sys.argv = ["stages", *stage.cmd.split()[3:]]  # python -m stages VERB ...
        run_stage()


if __name__ == "__main__":
    main()
