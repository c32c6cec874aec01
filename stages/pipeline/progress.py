"""Progress on stderr: a bar in a terminal, plain lines elsewhere (a log file, CI, a queue)."""

import sys
import time

from tqdm import tqdm


class Progress:
    """Counts steps towards `total`; in a log it prints about ten lines, each with the time left."""

    def __init__(self, label: str, total: int):
        self.label, self.total, self.done, self.skipped = label, total, 0, 0
        self.start = time.perf_counter()
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
                self.bar.close()
        elif self.done * 10 // self.total > before * 10 // self.total:
            elapsed = time.perf_counter() - self.start
            left = elapsed / (self.done - self.skipped) * (self.total - self.done)
            line = f"{self.label}: {self.done}/{self.total} in {elapsed:.0f} s, {left:.0f} s left"
            print(f"{line}, {note}" if note else line, file=sys.stderr, flush=True)
