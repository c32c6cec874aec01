"""The one place that knows the device, the precision and the memory layout."""

import contextlib
import ctypes
import platform
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from stages.pipeline.numerics.sizes import images_at_a_time

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Compute:
    """Where and how precisely tensors are computed."""

    device: torch.device
    bfloat16: bool  # autocast of convolutions and matrix products; weights, statistics and losses stay float32
    search_batch: int  # codes searched at a time: what fits the CPU's caches, or fills an accelerator; see `for_images`

    def __str__(self) -> str:
        precision = "bfloat16 autocast, channels_last" if self.bfloat16 else "float32"
        return f"{self.device.type}, {precision}, {torch.get_num_threads()} threads"

    def for_images(self, image_size: int) -> "Compute":
        """The same, with as many codes at a time as suit images of this size."""
        return replace(self, search_batch=images_at_a_time(image_size, self.search_batch))

    def autocast(self, *, in_threads: bool = False) -> contextlib.AbstractContextManager:
        """Matrix products in bfloat16, if at all; `in_threads`: other threads are doing so at the same time.

        Torch has one cache of cast weights for all threads, and whoever leaves autocast clears it. Gradients would then
        be added now in bfloat16 and now in float32, as chance has it: threads do without that cache.
        """
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16, cache_enabled=not in_threads)

    def place(self, tensor: Tensor) -> Tensor:
        """Move a tensor to the device, images in the layout that bfloat16 kernels want.

        On a CPU channels_last pays with bfloat16 only: in float32 the oneDNN kernels repack it.
        """
        if self.bfloat16 and tensor.dim() == 4:
            return tensor.to(self.device, memory_format=torch.channels_last)
        return tensor.to(self.device)

    def place_network(self, network: Network) -> Network:
        """Move a network to the device, its convolutions in the layout that bfloat16 kernels want."""
        if self.bfloat16:
            return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network.to(self.device)


def choose_compute() -> Compute:
    """The accelerator if there is one, else the CPU; bfloat16 only where the hardware multiplies it natively.

    What is not bfloat16 is float32 on every device, and on a CPU freed memory is kept for the next step. Apple's GPUs
    are left alone, since they have no float64, in which likelihoods are summed.
    """
    device = torch.accelerator.current_accelerator(check_available=True)
    if device is not None and device.type != "mps":
        torch.backends.cudnn.allow_tf32 = False  # or convolutions of float32 would keep 10 bits of the mantissa
        native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return Compute(device, bfloat16=native, search_batch=8192)
    _keep_freed_memory()
    capabilities = torch.cpu.get_capabilities()
    native = bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return Compute(torch.device("cpu"), bfloat16=native, search_batch=512)


def _keep_freed_memory() -> None:
    """Tell glibc's allocator to keep freed blocks for the next step instead of returning them to the kernel.

    A training or search step frees and asks again for the same few megabytes; by default each time is a new mapping
    whose pages the kernel must clear: a third of a search step's time. Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        trim_threshold, mmap_max = -1, -4  # the names' values in malloc.h
        libc.mallopt(mmap_max, 0)  # large blocks too come from the heap
        libc.mallopt(trim_threshold, -1)  # and the heap never shrinks
