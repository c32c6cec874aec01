"""Training speed, the textbook loop against this project's, in turn: `python -m tests.benchmarks.training`.

Both take the same networks, batch size and numbers of steps. Each loop runs in a process of its own, since this
project's changes how the C library keeps memory.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.params import load_params
from stages.priors.adversarial import Players
from stages.priors.training import Setting, load_loss
from tests.benchmarks.textbook import Textbook

WARM_UP, STEPS = 3, 10  # rounds (discriminator steps and one generator step) before and in one timing


def textbook_round(real: torch.Tensor, params):
    """A function that runs one round of the textbook loop on `real`, (batch, 1, 28, 28) in [0, 1]."""
    textbook = Textbook(params.train, params.seed)
    return lambda: textbook.round([real] * params.train.discriminator_steps)


def project_round(real: torch.Tensor, params):
    """A function that runs one round of this project's loop on the same batch."""
    compute, settings = choose_compute(), params.train
    images = np.zeros((settings.batch_size * settings.discriminator_steps, 1, 28, 28), np.uint8)
    players = load_loss("non_saturating").learner(Setting(images, settings, params.seed, compute))
    assert isinstance(players, Players)
    real = compute.place(real)

    def run() -> None:
        for _ in range(settings.discriminator_steps):
            players.discriminator_step(real)
        players.generator_step()
        players.epoch_means()  # waits for the device

    return run


ROUNDS = {"textbook": textbook_round, "project": project_round}


def seconds_a_round(loop: str) -> float:
    """Median time of one round, after a warm-up."""
    params = load_params()
    run = ROUNDS[loop](torch.rand(params.train.batch_size, 1, 28, 28), params)
    times = []
    for _ in range(WARM_UP + STEPS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times[WARM_UP:])


def operations_a_round() -> float:
    """Multiplications and additions of all convolutions and matrix products in one round."""
    params = load_params()
    run = textbook_round(torch.rand(params.train.batch_size, 1, 28, 28), params)
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


class Products(TorchDispatchMode):
    """Remembers the convolutions and matrix products that are computed under it."""

    KINDS = frozenset(
        {
            torch.ops.aten.convolution.default,
            torch.ops.aten.convolution_backward.default,
            torch.ops.aten.mm.default,
            torch.ops.aten.addmm.default,
            torch.ops.aten.bmm.default,
        }
    )

    def __init__(self):
        super().__init__()
        self.calls: list[Callable[[], object]] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        call = partial(operation, *args, **(kwargs or {}))
        if operation in self.KINDS:
            self.calls.append(call)
        return call()


def seconds_of_products() -> float:
    """What the project's round would take if all but its convolutions and matrix products were free.

    Each is computed again by itself, its operands in the caches where they fit: about the least that a loop on these
    kernels can take.
    """
    params = load_params()
    run = project_round(torch.rand(params.train.batch_size, 1, 28, 28), params)
    run()
    with Products() as products:
        run()
    total = 0.0
    with torch.no_grad():
        for call in products.calls:
            times = []
            for _ in range(WARM_UP + STEPS):
                start = time.perf_counter()
                call()
                if torch.accelerator.is_available():
                    torch.accelerator.synchronize()
                times.append(time.perf_counter() - start)
            total += statistics.median(times[WARM_UP:])
    return total


def matrix_rate() -> float:
    """Operations a second of a large matrix product in the precision that the project's loop uses."""
    compute = choose_compute()
    kind = torch.bfloat16 if compute.bfloat16 else torch.float32
    a, b = (torch.randn(2048, 2048, device=compute.device, dtype=kind) for _ in range(2))
    times = []
    for _ in range(12):
        start = time.perf_counter()
        (a @ b)[0, 0].item()
        times.append(time.perf_counter() - start)
    return 2 * 2048**3 / statistics.median(times[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="timings of each loop, in turn")
    parser.add_argument("--loop", choices=ROUNDS, help="time one loop alone and print seconds a round")
    arguments = parser.parse_args()
    if arguments.loop:
        print(seconds_a_round(arguments.loop))
        return

    times: dict[str, list[float]] = {loop: [] for loop in ROUNDS}
    for _ in range(arguments.repeats):
        for loop in ROUNDS:
            command = [sys.executable, "-m", "tests.benchmarks.training", "--loop", loop]
            times[loop].append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    settings = load_params().train
    images = settings.batch_size * settings.discriminator_steps
    medians = {loop: statistics.median(values) for loop, values in times.items()}
    ratios = [textbook / project for textbook, project in zip(times["textbook"], times["project"], strict=True)]
    for loop, median in medians.items():
        print(f"{loop}: {median * 1e3:.0f} ms a round, {images / median:.0f} training images a second")
    print(f"ratio: {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")
    products = seconds_of_products()
    print(f"convolutions and matrix products alone: {products * 1e3:.0f} ms of the project's round")
    rate = matrix_rate()
    share = operations_a_round() / medians["project"] / rate
    print(f"matrix rate: {rate / 1e9:.0f} GFLOP/s ({choose_compute()}); the project's loop uses {share:.0%} of it")


if __name__ == "__main__":
    main()
