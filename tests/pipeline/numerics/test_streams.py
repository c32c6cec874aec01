"""Streams: the same for the same purpose, unrelated for others."""

import numpy as np
import torch

from stages.pipeline.numerics.streams import numpy_stream, stream_seed, torch_stream


def test_streams_repeat_and_differ_by_purpose_and_seed():
    draws = {
        purpose: numpy_stream(*purpose).standard_normal(1000)
        for purpose in [(0, "noise"), (0, "windows"), (1, "noise"), (0, "noise", 1)]
    }
    assert np.array_equal(draws[0, "noise"], numpy_stream(0, "noise").standard_normal(1000))
    names = list(draws)
    for index, name in enumerate(names):
        for other in names[:index]:
            assert abs(np.corrcoef(draws[name], draws[other])[0, 1]) < 0.1


def test_torch_stream_repeats_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, second = (torch.randn(5, generator=torch_stream(0, "codes")) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_words_are_not_run_together():
    assert stream_seed(0, "a", "bc") != stream_seed(0, "ab", "c")
    assert stream_seed(1, 2) != stream_seed(12)
