"""Work in several threads, for torch, which gives up Python's lock while it computes."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = min(os.cpu_count() or 1, 8)


def map_in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """function(item) of each item, in their order, computed in WORKERS threads; what one raises is raised here.

    torch computes each item on the item's own thread alone: many small networks side by side keep all cores busier
    than one small network split over them, and sums come out the same on any number of cores.
    """
    with ThreadPoolExecutor(WORKERS, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:  # after an error or Ctrl-C nothing that has not begun is wanted
            pool.shutdown(wait=False, cancel_futures=True)
