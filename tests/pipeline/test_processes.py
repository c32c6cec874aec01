"""Work in several processes: in order, with every failure told, and nothing left behind however it ends."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.pipeline.errors import UserError
from stages.pipeline.processes import map_in_processes
from tests.project import ROOT


def slow_square(number: int) -> int:
    time.sleep(0.02 * (number % 3))
    return number * number


def fail_at_three(number: int) -> int:
    if number == 3:
        raise UserError(f"{number}: allowed is anything else")
    return number


def divide(number: int) -> float:
    return 1 / number


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def process_and_threads(_: int) -> tuple[int, list[str | None]]:
    time.sleep(0.05)
    return os.getpid(), [os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")]


def test_results_come_in_the_order_of_their_items():
    assert map_in_processes(slow_square, range(20)) == [number * number for number in range(20)]
    assert not multiprocessing.active_children()


def test_no_items_give_no_results():
    assert map_in_processes(slow_square, []) == []


def test_workers_are_other_processes_of_one_thread_each(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    results = map_in_processes(process_and_threads, range(4))
    assert os.getpid() not in {process for process, _ in results}
    assert all(threads == ["1", "1"] for _, threads in results)
    assert os.environ["OMP_NUM_THREADS"] == "7" and "OPENBLAS_NUM_THREADS" not in os.environ


def test_what_a_worker_raises_reaches_the_caller():
    with pytest.raises(UserError, match=r"^3: allowed is anything else$"):
        map_in_processes(fail_at_three, range(6))
    with pytest.raises(ZeroDivisionError):
        map_in_processes(divide, [2, 0, 1])
    assert not multiprocessing.active_children()


def test_a_worker_that_is_killed_is_a_mistake_that_is_named():
    with pytest.raises(UserError, match="a worker process ended early: killed, perhaps for lack of memory"):
        map_in_processes(die_at_three, range(6))
    assert not multiprocessing.active_children()


SLEEPERS = """
import os
import signal
import sys
import time
from pathlib import Path

import stages.plot
from stages.pipeline.command import run_stage
from stages.pipeline.processes import map_in_processes


def sleep(number):
    Path(f"worker_{os.getpid()}").touch()
    time.sleep(600 * number)


if __name__ == "__main__":
    # As in a terminal: whoever starts the tests in the background has Ctrl-C ignored, and all of its children do.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stages.plot.main = lambda: map_in_processes(sleep, range(2))
    sys.argv = ["stages", "plot"]
    run_stage()
"""


@pytest.fixture
def sleepers(tmp_path):
    """A stage in a process group of its own, and its workers' numbers: one sleeps, another waits for work."""
    (tmp_path / "sleepers.py").write_text(SLEEPERS)
    caller = subprocess.Popen(
        [sys.executable, "sleepers.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(lambda: list(tmp_path.glob("worker_*")) or caller.poll() is not None)
        time.sleep(1)  # for the other one
        yield caller, [int(path.name.removeprefix("worker_")) for path in tmp_path.glob("worker_*")]
    finally:
        kill_group(caller.pid)
        caller.communicate()


def kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def processes_of(group: int) -> list[str]:
    """The command lines of a process group's living processes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()  # state, parent, group, ...
            if int(fields[2]) == group and fields[0] != "Z":
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except (OSError, ValueError):  # it has ended meanwhile
            continue
    return sorted(found)


def test_ctrl_c_ends_all_processes_at_once_and_in_one_line(sleepers):
    caller, workers = sleepers
    assert workers and caller.pid not in workers and caller.poll() is None
    start = time.monotonic()
    os.killpg(caller.pid, signal.SIGINT)
    output, complaints = caller.communicate(timeout=20)
    assert time.monotonic() - start < 5
    assert (caller.returncode, output, complaints) == (130, "", "interrupted\n")
    wait_for(lambda: not processes_of(caller.pid), seconds=5)


def test_workers_leave_ctrl_c_to_the_caller(sleepers):
    """A terminal sends it to them too, and each would answer with a traceback of its own."""
    caller, workers = sleepers
    running = processes_of(caller.pid)
    for worker in workers:
        os.kill(worker, signal.SIGINT)
    time.sleep(1)
    assert caller.poll() is None and processes_of(caller.pid) == running
    os.kill(caller.pid, signal.SIGINT)
    assert caller.communicate(timeout=20) == ("", "interrupted\n")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_workers_do_not_outlive_a_caller_that_is_killed(sleepers, end):
    caller, workers = sleepers
    assert len(processes_of(caller.pid)) > len(workers) > 0
    os.kill(caller.pid, end)
    caller.wait(timeout=10)
    wait_for(lambda: not processes_of(caller.pid), seconds=10)
    assert "Traceback" not in caller.communicate()[1]
