"""Progress in a log: a plain line soon, then ten at most, with what is left, and none of work that is soon done."""

import pytest

from stages.pipeline import progress as module
from stages.pipeline.progress import BRIEF, Progress


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time, in its one element."""
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


def test_plain_lines_without_a_terminal(capsys, clock):
    progress = Progress("train minimax", 1000)
    for _ in range(1000):
        clock[0] += BRIEF / 40  # exact in binary
        progress.advance(note="epoch 1")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("train minimax: 40/1000 in 5 s, ") and lines[0].endswith(" s left, epoch 1")
    assert lines[1].startswith("train minimax: 100/1000 in 12 s, 112 s left")
    assert "1000/1000" in lines[-1]


def test_brief_work_is_quiet_and_lines_keep_apart(capsys, clock):
    for seconds, count in ((BRIEF * 0.9, 0), (BRIEF * 3.5, 3)):
        progress = Progress("search", 100)
        for _ in range(100):
            clock[0] += seconds / 100
            progress.advance()
        assert len(capsys.readouterr().err.splitlines()) == count


def test_skipped_steps_are_counted_but_not_timed(capsys, clock):
    progress = Progress("train minimax", 100)
    progress.skip(80)
    clock[0] += 2 * BRIEF
    progress.advance(10)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "train minimax: 90/100 in 10 s, 10 s left"
