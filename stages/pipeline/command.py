"""The command line of a stage, and the one line in which every mistake ends."""

import argparse
import ast
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from stages.pipeline.errors import UserError

FOLDER = Path(__file__).parents[1]
VERBS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
INTERRUPTED = 128 + signal.SIGINT  # the exit status of a command that Ctrl-C ends, as shells have it


def run_stage() -> None:
    """Run the stage that the command line names; its module is imported here, so that even an import ends in one line.

    A UserError, a lack of memory and Ctrl-C become one line on stderr and an exit status, without a traceback.
    """
    with _mistakes_in_one_line():
        verb = sys.argv[1] if len(sys.argv) > 1 else ""
        if verb in ("-h", "--help"):
            print(_help())
            return
        if not verb:
            raise UserError("command line: it names no stage; `python -m stages --help` lists them")
        if verb not in VERBS:
            raise UserError(f"command line: {verb!r} is no stage: allowed are {', '.join(VERBS)}")
        sys.argv[:2] = [f"python -m stages {verb}"]
        importlib.import_module(f"stages.{verb}").main()


def _help() -> str:
    """Every verb, and the first line of its script."""
    lines = []
    for verb in VERBS:
        about = ast.get_docstring(ast.parse((FOLDER / f"{verb}.py").read_text())) or ""
        lines.append(f"  {verb:14} {about.partition(chr(10))[0]}")
    return "\n".join(["usage: python -m stages VERB ...", "", *lines, "", "python -m stages VERB --help: its options"])


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is a UserError: one line and status 1, as for every other mistake."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"command line: {message}; see --help")


def choices(description: str | None, **allowed: Sequence[str]) -> list[str]:
    """The values of required options, e.g. `choices(__doc__, prior=params.priors)` of `--prior`.

    Raises UserError for a value that params.yaml does not list.
    """
    parser = Parser(description=description)
    for name, values in allowed.items():
        parser.add_argument(f"--{name}", required=True, help=f"one of {', '.join(values)}")
    arguments = vars(parser.parse_args())
    for name, values in allowed.items():
        if arguments[name] not in values:
            raise UserError(f"--{name} = {arguments[name]}: params.yaml allows {', '.join(values)}")
    return [arguments[name] for name in allowed]


def between(low: float, high: float) -> Callable[[str], float]:
    """A type of an argument: a number from `low` to `high`."""

    def convert(text: str) -> float:
        value = float(text)
        if not low <= value <= high:  # NaN too
            raise argparse.ArgumentTypeError(f"{value:g}: allowed are {low:g} to {high:g}")
        return value

    convert.__name__ = "number"  # as argparse calls it in what it says of other text
    return convert


def no_arguments(description: str | None) -> None:
    """Answer --help, and refuse any other argument."""
    Parser(description=description).parse_args()


def say(text: str) -> None:
    """One plain line for the log, on stderr like the progress."""
    print(printable(text), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Text with escapes in place of line breaks, control characters and broken bytes, which names of files may have."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


@contextlib.contextmanager
def _mistakes_in_one_line() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        _end(f"error: {error}")
    except KeyboardInterrupt:
        _end("interrupted", INTERRUPTED)
    except BrokenPipeError:  # whoever read the output has gone
        os._exit(1)
    except Exception as error:
        if not lacks_memory(error):
            raise
        _end(f"error: not enough memory: {_one_line(error)}; `python -m stages check` estimates what is needed")


def lacks_memory(error: BaseException) -> bool:
    """Whether an exception, of Python, NumPy or torch, says that memory could not be had."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in words for sign in ("out of memory", "can't allocate memory"))
    )


def _end(line: str, status: int = 1) -> NoReturn:
    print(printable(line), file=sys.stderr, flush=True)
    sys.exit(status)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
