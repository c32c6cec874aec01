"""One choice of device and precision, and reduced precision that stays close."""

import pytest
import torch
from torch.testing import assert_close

from stages.pipeline.compute import Compute, choose_compute


def test_the_choice_is_stated(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert str(choose_compute()).startswith("cpu, bfloat16 autocast, channels_last")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    assert str(choose_compute()).startswith("cpu, float32")


@pytest.mark.parametrize("bfloat16", [False, True])
def test_both_precisions_draw_the_same_picture(tiny_generator, bfloat16):
    compute = Compute(torch.device("cpu"), bfloat16, search_batch=8)
    codes = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    expected = tiny_generator(codes)
    with compute.autocast():
        images = compute.place(tiny_generator)(compute.place(codes))
    assert images.dtype == torch.float32
    assert torch.equal(images, expected) != bfloat16  # rounded, or not
    assert_close(images, expected, rtol=0, atol=0.05 if bfloat16 else 1e-6)
