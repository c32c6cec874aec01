"""`python -m stages VERB ...` runs one stage: the only way in, and the only way out on a mistake."""

from stages.pipeline.command import run_stage

if __name__ == "__main__":
    run_stage()
