"""The Python that tests start does what a new one does."""

import os
import subprocess
import sys
import time

import pytest

from tests.warm_python import warm_python

MODULE = """
import os, sys, threading, time
print(os.getcwd(), sys.argv[1:], os.environ["COLOUR"], sys.stdin.read(), sys.executable, __name__)
print("complaint", file=sys.stderr)
def later():
    time.sleep(0.2)
    print("later")
ends = {"well": lambda: None, "seven": lambda: sys.exit(7), "words": lambda: sys.exit("words"), "fault": lambda: 1 / 0}
ends |= {"signal": lambda: os.kill(os.getpid(), 9), "thread": threading.Thread(target=later).start}
sys.stdout.flush()
ends[sys.argv[1]]()
"""
SLEEPER = """
import os, time
from pathlib import Path
Path("process").write_text(str(os.getpid()))
time.sleep(600)
"""


@pytest.mark.parametrize("end", ["well", "seven", "words", "fault", "signal", "thread"])
def test_a_command_does_what_it_does_in_a_new_python(tmp_path, end):
    (tmp_path / "talker.py").write_text(MODULE)
    results = [
        subprocess.run(
            [python, "-m", "talker", end, "a b"],
            cwd=tmp_path,
            env={"COLOUR": "blue", "PATH": os.environ["PATH"]},
            input="said",
            capture_output=True,
            text=True,
        )
        for python in (sys.executable, warm_python() / "python")
    ]
    new, warm = ((result.returncode, result.stdout, result.stderr.splitlines()[-1]) for result in results)
    assert warm == new and "blue said" in new[1]


def test_a_command_ends_with_whoever_started_it(tmp_path):
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    process = subprocess.Popen([warm_python() / "python", "-m", "sleeper"], cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not (tmp_path / "process").exists() or not (tmp_path / "process").read_text():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    worker = (tmp_path / "process").read_text()
    while runs(int(worker)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_other_arguments_start_a_new_python():
    command = [warm_python() / "python", "-c", "import sys; print('torch' in sys.modules)"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "False\n"
