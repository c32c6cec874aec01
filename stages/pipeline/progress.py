"""Progress on stderr: a bar in a terminal, plain lines elsewhere (a log file, CI, a queue)."""

import sys
import time

from tqdm import tqdm

BRIEF = 5.0  # seconds until the first line, and between two; work that takes less leaves no line and no bar


class Progress:
    """Counts steps towards `total`; in a log it prints a line soon, then ten at most, each with the time left."""

    def __init__(self, label: str, total: int):
        self.label, self.total, self.done, self.skipped = label, total, 0, 0
        self.start = self.last_line = time.perf_counter()
        self.bar = tqdm(total=total, desc=label, leave=True, dynamic_ncols=True) if sys.stderr.isatty() else None

    def skip(self, steps: int) -> None:
        """Count `steps` that an earlier run has done: they say nothing about the time left."""
        self.done = self.skipped = steps
        if self.bar is not None:
            self.bar.update(steps)
            self.bar.unpause()
            if self.done >= self.total:
                self.bar.close()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more; `note` says where things stand (epoch, losses)."""
        before, self.done = self.done, self.done + steps
        if self.bar is not None:
            if note:
                self.bar.set_postfix_str(note, refresh=False)
            self.bar.update(steps)
            if self.done >= self.total:
                self.bar.leave = time.perf_counter() - self.start >= BRIEF
                self.bar.close()
            return
        now = time.perf_counter()
        first, tenth = self.last_line == self.start, self.done * 10 // self.total > before * 10 // self.total
        if (first or tenth) and now - self.last_line >= BRIEF:
            self.last_line, elapsed = now, now - self.start
            left = elapsed / (self.done - self.skipped) * (self.total - self.done)
            line = f"{self.label}: {self.done}/{self.total} in {elapsed:.0f} s, {left:.0f} s left"
            print(f"{line}, {note}" if note else line, file=sys.stderr, flush=True)
