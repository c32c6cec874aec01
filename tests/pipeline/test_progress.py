"""Progress in a log: about ten plain lines, with what is left."""

from stages.pipeline.progress import Progress


def test_plain_lines_without_a_terminal(capsys):
    progress = Progress("train minimax", 1000)
    for _ in range(1000):
        progress.advance(note="epoch 1")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("train minimax: 100/1000 in ") and lines[0].endswith(" s left, epoch 1")
    assert "1000/1000" in lines[-1]


def test_skipped_steps_are_counted_but_not_timed(capsys):
    progress = Progress("train minimax", 100)
    progress.skip(80)
    progress.advance(10)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("train minimax: 90/100 in ")
