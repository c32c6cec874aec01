"""Work in threads: in order, on one thread of torch each, and errors as they are."""

import threading

import pytest
import torch

from stages.pipeline.threads import WORKERS, map_in_threads


def test_results_are_in_the_order_of_the_items():
    assert map_in_threads(lambda number: number**2, range(20)) == [number**2 for number in range(20)]
    assert map_in_threads(lambda number: number**2, []) == []


def test_each_works_on_another_thread_with_one_thread_of_torch():
    seen = map_in_threads(lambda _: (threading.current_thread(), torch.get_num_threads()), range(8))
    assert threading.current_thread() not in {thread for thread, _ in seen}
    assert {threads for _, threads in seen} == {1}
    assert len({thread for thread, _ in seen}) <= WORKERS


def test_an_error_reaches_the_caller_and_ends_what_has_not_begun():
    began, first = [], threading.Event()

    def fail(number: int) -> None:
        began.append(number)
        if number == 0:
            raise ValueError(f"item {number}")
        first.wait(0.01)

    with pytest.raises(ValueError, match="item 0"):
        map_in_threads(fail, range(1000))
    assert len(began) < 1000
