"""Training speed, the textbook loop against this project's, in turn: `python -m tests.benchmarks.training`.

The textbook loop is what public DCGAN examples write: float32, eager, default memory layout and allocator, two backward
passes for real and fake, Adam as it comes. Each loop runs in a process of its own, since this project's changes how the
C library keeps memory. Both take the same networks, batch size and numbers of steps.
"""

import argparse
import statistics
import subprocess
import sys
import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from stages.gan.losses import LOSSES
from stages.gan.networks import Discriminator, Generator
from stages.gan.training import Players, Sums
from stages.pipeline.compute import choose_compute
from stages.pipeline.params import load_params

WARM_UP, STEPS = 3, 10  # rounds (discriminator steps and one generator step) before and in one timing


def textbook_round(real: torch.Tensor, params):
    """A function that runs one round of the textbook loop on `real`, (batch, 1, 28, 28) in [0, 1]."""
    width, latent_dim = params.train.width, params.train.latent_dim
    generator = nn.Sequential(
        nn.Linear(latent_dim, 2 * width * 49, bias=False),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1),
        nn.Sigmoid(),
    )
    discriminator = Discriminator(width=width, channels=1, image_size=28)
    betas = (params.train.beta1, params.train.beta2)
    generator_adam = torch.optim.Adam(generator.parameters(), lr=params.train.learning_rate, betas=betas)
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), lr=params.train.learning_rate, betas=betas)
    entropy = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(len(real)), torch.zeros(len(real))

    def run() -> None:
        for _ in range(params.train.discriminator_steps):
            discriminator.zero_grad()
            entropy(discriminator(real), ones).backward()
            fake = generator(torch.randn(len(real), latent_dim))
            entropy(discriminator(fake.detach()), zeros).backward()
            discriminator_adam.step()
        generator.zero_grad()
        entropy(discriminator(generator(torch.randn(len(real), latent_dim))), ones).backward()
        generator_adam.step()

    return run


def project_round(real: torch.Tensor, params):
    """A function that runs one round of this project's loop on the same batch."""
    compute, settings = choose_compute(), params.train
    players = Players(
        Generator(latent_dim=settings.latent_dim, width=settings.width, channels=1, image_size=28),
        Discriminator(width=settings.width, channels=1, image_size=28),
        loss=LOSSES["non_saturating"],
        seed=params.seed,
        batch_size=len(real),
        adam={"lr": settings.learning_rate, "betas": (settings.beta1, settings.beta2), "fused": True},
        compute=compute,
    )
    sums, real = Sums(compute.device), compute.place(real)

    def run() -> None:
        for _ in range(settings.discriminator_steps):
            players.discriminator_step(real, sums)
        players.generator_step(sums)
        sums.means()  # waits for the device

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
    rate = matrix_rate()
    share = operations_a_round() / medians["project"] / rate
    print(f"matrix rate: {rate / 1e9:.0f} GFLOP/s ({choose_compute()}); the project's loop uses {share:.0%} of it")


if __name__ == "__main__":
    main()
