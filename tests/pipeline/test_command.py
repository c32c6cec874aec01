"""The command line: one way in, and one line on stderr for every mistake on the way out."""

import argparse
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from stages.pipeline import command
from stages.pipeline.command import VERBS, between, run_stage
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from tests.project import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "stages", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


MISTAKES = {
    (): "error: command line: it names no stage; `python -m stages --help` lists them",
    ("bake",): f"error: command line: 'bake' is no stage: allowed are {', '.join(VERBS)}",
    ("pipeline",): f"error: command line: 'pipeline' is no stage: allowed are {', '.join(VERBS)}",
    ("../stages/check",): f"error: command line: '../stages/check' is no stage: allowed are {', '.join(VERBS)}",
    ("--version",): f"error: command line: '--version' is no stage: allowed are {', '.join(VERBS)}",
    ("plot", "everything"): "error: command line: unrecognized arguments: everything; see --help",
    ("observe",): "error: command line: the following arguments are required: --task; see --help",
    ("observe", "--task", "deblurring"): "error: --task = deblurring: params.yaml allows denoising, inpainting",
    ("run_prior", "--task", "denoising", "--prior", "no_such_loss"): (
        f"error: --prior = no_such_loss: params.yaml allows {', '.join(load_params(ROOT / 'params.yaml').searched)}"
    ),
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_a_mistake_ends_in_one_line(arguments):
    result = run(*arguments)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", MISTAKES[arguments] + "\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_verb(option):
    result = run(option)
    assert result.returncode == 0 and not result.stderr
    assert result.stdout.startswith("usage: python -m stages VERB ...")
    listed = dict(re.findall(r"^  (\w+) +(\S.*)$", result.stdout, flags=re.MULTILINE))
    assert list(listed) == VERBS and listed["plot"] == "Tables and images -> plots/figures/: every figure as a PNG."


def test_verbs_are_the_modules_of_stages():
    assert {"check", "prepare", "train", "plot", "restore"} <= set(VERBS)
    assert not {"__init__", "__main__", "pipeline"} & set(VERBS)


def test_a_verb_has_help_of_its_own():
    result = run("observe", "--help")
    assert result.returncode == 0 and not result.stderr
    assert result.stdout.startswith("usage: python -m stages observe ") and "--task" in result.stdout


TORCH = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "40000000000000 bytes. Error code 12 (Cannot allocate memory)"
)
CHECK = "; `python -m stages check` estimates what is needed"
ENDS = [
    (UserError("a.npz: no such file"), 1, "error: a.npz: no such file"),
    (MemoryError(), 1, f"error: not enough memory: MemoryError{CHECK}"),
    (MemoryError("Unable to\nallocate 8 GiB"), 1, f"error: not enough memory: Unable to allocate 8 GiB{CHECK}"),
    (RuntimeError(TORCH), 1, f"error: not enough memory: {TORCH}{CHECK}"),
    (
        RuntimeError("CUDA out of memory. Tried\nto allocate"),
        1,
        f"error: not enough memory: CUDA out of memory. Tried to allocate{CHECK}",
    ),
    (KeyboardInterrupt(), 130, "interrupted"),
]


@pytest.fixture
def ends(monkeypatch):
    """Run the stage `plot`, which raises what it is told to."""

    def of(error: BaseException) -> None:
        def main() -> None:
            raise error

        monkeypatch.setattr("stages.plot.main", main)
        monkeypatch.setattr(sys, "argv", ["stages", "plot"])
        run_stage()

    return of


@pytest.mark.parametrize(("error", "status", "line"), ENDS, ids=[repr(error)[:40] for error, _, _ in ENDS])
def test_what_a_user_can_mend_ends_in_one_line(ends, capsys, error, status, line):
    with pytest.raises(SystemExit) as caught:
        ends(error)
    assert caught.value.code == status
    assert capsys.readouterr() == ("", line + "\n")


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), KeyError("images"), ValueError("memory")])
def test_a_fault_of_the_code_keeps_its_traceback(ends, error):
    with pytest.raises(type(error)) as caught:
        ends(error)
    assert caught.value is error


def test_memory_that_torch_and_numpy_cannot_have_is_known_as_such():
    for ask in (lambda: torch.empty(10**15), lambda: np.empty(10**15)):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            ask()
        assert command.lacks_memory(caught.value)


def test_numbers_between_bounds():
    convert = between(0.5, 2)
    assert [convert(text) for text in ("0.5", "1", "2e0")] == [0.5, 1, 2]
    for text in ("0.4", "2.1", "nan", "inf", "-1"):
        with pytest.raises(argparse.ArgumentTypeError, match=r"allowed are 0\.5 to 2"):
            convert(text)
    with pytest.raises(ValueError):
        convert("much")
