"""The command line of a stage, and its only way out on a user's mistake."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from stages.pipeline.errors import UserError


def loss_argument(description: str, losses: list[str]) -> str:
    """The value of `--loss`. Raises UserError for a loss that params.yaml does not list."""
    parser = Parser(description=description)
    parser.add_argument("--loss", required=True, help=f"which GAN: {', '.join(losses)}")
    loss = parser.parse_args().loss
    if loss not in losses:
        raise UserError(f"--loss = {loss}: allowed are the losses of params.yaml: {', '.join(losses)}")
    return loss


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is a UserError: one line and status 1, as for every other mistake."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"command line: {message}; see --help")


def run(stage: Callable[[], None]) -> None:
    """Run a stage's main function; a UserError becomes one line on stderr and exit status 1, without a traceback."""
    try:
        stage()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def say(text: str) -> None:
    """One plain line for the log, on stderr like the progress."""
    print(text, file=sys.stderr, flush=True)
