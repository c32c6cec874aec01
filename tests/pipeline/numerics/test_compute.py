"""One choice of device and precision, and reduced precision that stays close."""

import pytest
import torch
from torch.testing import assert_close

from stages.pipeline.numerics.compute import Compute, choose_compute


def test_the_choice_is_stated(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert str(choose_compute()).startswith("cpu, bfloat16 autocast, channels_last")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    assert str(choose_compute()).startswith("cpu, float32")


def test_a_device_without_float64_is_left_alone(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("mps"))
    assert choose_compute().device.type == "cpu"


def test_float32_on_a_gpu_is_float32(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert choose_compute().device.type == "cuda" and not torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("bfloat16", [False, True])
def test_both_precisions_draw_the_same_picture(tiny_generator, bfloat16):
    compute = Compute(torch.device("cpu"), bfloat16, search_batch=8)
    codes = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    expected = tiny_generator(codes)
    with compute.autocast():
        images = compute.place_network(tiny_generator)(compute.place(codes))
    assert images.dtype == torch.float32
    assert torch.equal(images, expected) != bfloat16  # rounded, or not
    assert_close(images, expected, rtol=0, atol=0.05 if bfloat16 else 1e-6)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_images_and_convolutions_lie_channels_last_for_bfloat16_alone(bfloat16):
    compute = Compute(torch.device("cpu"), bfloat16, search_batch=8)
    values = torch.arange(2 * 3 * 4 * 4).view(2, 3, 4, 4)
    images = compute.place(values)
    weight = compute.place_network(torch.nn.Conv2d(3, 5, 4)).weight
    for tensor in (images, weight):
        assert tensor.is_contiguous(memory_format=torch.channels_last) == bfloat16
        assert tensor.is_contiguous() != bfloat16
    assert torch.equal(images, values) and images.dtype == values.dtype


@pytest.mark.parametrize("bfloat16", [False, True])
def test_tensors_that_are_no_images_keep_their_layout(bfloat16):
    compute = Compute(torch.device("cpu"), bfloat16, search_batch=8)
    for shape in [(7,), (7, 4), (2, 3, 4)]:
        tensor = torch.ones(shape)
        assert compute.place(tensor).is_contiguous() and torch.equal(compute.place(tensor), tensor)
