"""Final quality, the textbook loop against this project's, over several seeds: `python -m tests.benchmarks.quality`.

Both train the non-saturating GAN on the prepared images (after `dvc repro prepare classify`) for the same epochs. It
compares the Frechet distance of 10,000 generated images to the test set, as in metrics/fidelity.csv.
Each training runs in a process of its own, since this project's changes how the C library keeps memory.
"""

import argparse
import statistics
import subprocess
import sys
import time

import torch

from stages.images.splits import load_split
from stages.judging.embedding import load_embedding
from stages.judging.fidelity import frechet_distance
from stages.judging.trunk import batches
from stages.pipeline.numerics.compute import choose_compute
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.params import load_params
from stages.priors.networks import recompute_batch_norm
from stages.priors.training import Setting, train
from tests.benchmarks.textbook import Textbook

SAMPLES = 10_000  # generated images behind a Frechet distance


def textbook_generator(epochs: int, seed: int) -> torch.nn.Module:
    params = load_params()
    settings = params.train
    textbook, images = Textbook(settings, seed), torch.from_numpy(to_float(load_split("train", params.data).images[:]))
    whole = settings.batch_size * settings.discriminator_steps
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for batch in order[: len(order) // whole * whole].split(whole):
            textbook.round(images[batch].split(settings.batch_size))
    recompute_batch_norm(textbook.generator, torch.randn(20_000, settings.latent_dim))
    return textbook.generator


def project_generator(epochs: int, seed: int) -> torch.nn.Module:
    params = load_params()
    settings = params.train.model_copy(update={"epochs": epochs, "sample_epochs": []})
    setting = Setting(load_split("train", params.data).images, settings, seed, choose_compute())
    return train("non_saturating", setting).generators[epochs].cpu()


LOOPS = {"textbook": textbook_generator, "project": project_generator}


@torch.no_grad()
def distance(generator: torch.nn.Module, seed: int) -> float:
    """Frechet distance of SAMPLES generated images to the test images."""
    params = load_params()
    test = load_split("test", params.data)
    embedding = load_embedding(test.images, test.labels is not None, choose_compute())
    codes = torch.randn(SAMPLES, params.train.latent_dim, generator=torch.Generator().manual_seed(seed))
    generated = (generator(batch).numpy() for batch in codes.split(1000))
    return frechet_distance(*(embedding.embed(images)[0] for images in (batches(test.images), generated)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=load_params().train.epochs)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--loop", choices=LOOPS, help="train one GAN alone and print its Frechet distance")
    parser.add_argument("--seed", type=int, default=0, help="of that one GAN")
    arguments = parser.parse_args()
    if arguments.loop:
        print(distance(LOOPS[arguments.loop](arguments.epochs, arguments.seed), arguments.seed))
        return

    distances: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    seconds: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    for seed in range(arguments.seeds):
        for loop in LOOPS:
            command = [sys.executable, "-m", "tests.benchmarks.quality", "--loop", loop]
            command += ["--seed", str(seed), "--epochs", str(arguments.epochs)]
            start = time.perf_counter()
            output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
            seconds[loop].append(time.perf_counter() - start)
            distances[loop].append(float(output.stdout))
            print(f"{loop}, seed {seed}: Frechet distance {distances[loop][-1]:.1f} after {seconds[loop][-1]:.0f} s")
    for loop, values in distances.items():
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(f"{loop}: {statistics.mean(values):.1f} +- {spread:.1f}, median {statistics.median(seconds[loop]):.0f} s")


if __name__ == "__main__":
    main()
