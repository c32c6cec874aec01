"""Work in several processes, for libraries that hold Python's lock while they work."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from stages.pipeline.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = min(os.cpu_count() or 1, 4)  # each loads the libraries that it works with


def map_in_processes(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """function(item) of each item, in their order, computed in WORKERS processes of one thread each.

    Raises UserError where a process ends before its work is done. Whatever ends the caller, Ctrl-C too, ends them.
    """
    context, others = multiprocessing.get_context("spawn"), multiprocessing.active_children()
    pool = ProcessPoolExecutor(WORKERS, mp_context=context, initializer=_end_with_the_caller)
    try:
        with _one_thread_each(), _interrupts_held_back():
            results = pool.map(function, items)  # the processes start here and inherit both
        return list(results)
    except BrokenProcessPool:
        raise UserError("a worker process ended early: killed, perhaps for lack of memory") from None
    finally:
        # Where all has gone well they are idle; where not, nothing of what they still do is wanted.
        for process in set(multiprocessing.active_children()) - set(others):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


def _end_with_the_caller() -> None:
    """End this worker when the process that started it is gone, killed perhaps, with no chance to say so."""

    def watch() -> None:
        if caller := multiprocessing.parent_process():
            caller.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes that start meanwhile never see Ctrl-C, which a terminal sends to all at once: the caller ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keep linear algebra to one thread in processes that start meanwhile, or those of all would compete for the cores.

    A process reads these variables when it loads NumPy.
    """
    alone = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    before = {name: os.environ.get(name) for name in alone}
    os.environ.update(alone)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
