"""Small GANs one by one, in threads, in processes, as one network: `python -m tests.benchmarks.small_gans`.

Milliseconds for each generator step of one GAN, its discriminator steps included. As one network means torch.func's
stack_module_state and vmap, with the same networks, batches and optimiser.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import softplus

from stages.pipeline.params import Params, load_params
from stages.pipeline.processes import map_in_processes
from stages.pipeline.threads import map_in_threads
from stages.priors.networks import Discriminator, Generator
from stages.priors.small_gans import Cell, Run, train_small

STEPS, GANS, DISCRIMINATOR_STEPS = 20, 10, 3


def runs(params: Params, steps: int) -> list[Run]:
    images = np.random.default_rng(0).integers(0, 256, (1000, 1, 28, 28), dtype=np.uint8)
    settings = params.saturate_grid.model_copy(update={"generator_steps": steps})
    cell = Cell("non_saturating", DISCRIMINATOR_STEPS, "adam", True)
    return [Run(cell, number, images, settings, params.train, params.seed) for number in range(GANS)]


def stacked(network: Callable[[], nn.Module]) -> tuple[dict, Callable[[dict, torch.Tensor], torch.Tensor]]:
    """Parameters of GANS networks, and a function of them and of inputs (GANS, batch, ...)."""
    networks = [network() for _ in range(GANS)]
    for module in (module for own in networks for module in own.modules()):
        if isinstance(module, nn.BatchNorm2d):  # the batch's own statistics are all that training needs
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    parameters, buffers = stack_module_state(networks)
    call = vmap(lambda own, constants, inputs: functional_call(networks[0], (own, constants), (inputs,)))
    return parameters, lambda own, inputs: call(own, buffers, inputs)


def train_stacked(params: Params, steps: int) -> None:
    width, batch = params.saturate_grid.width, params.saturate_grid.batch_size
    latent_dim, rate = params.train.latent_dim, params.train.learning_rate
    of_g, generate = stacked(lambda: Generator(latent_dim=latent_dim, width=width, channels=1, image_size=28))
    of_d, discriminate = stacked(lambda: Discriminator(width=width, channels=1, image_size=28))
    adam_g, adam_d = (torch.optim.Adam(own.values(), lr=rate, fused=True) for own in (of_g, of_d))
    for _ in range(steps):
        for _ in range(DISCRIMINATOR_STEPS):
            with torch.no_grad():
                fake = generate(of_g, torch.randn(GANS, batch, latent_dim))
            real = discriminate(of_d, torch.rand(GANS, batch, 1, 28, 28))
            loss = (softplus(-real) + softplus(discriminate(of_d, fake))).mean(dim=1).sum()
            adam_d.zero_grad()
            loss.backward()
            adam_d.step()
        frozen = {name: weight.detach() for name, weight in of_d.items()}
        loss = softplus(-discriminate(frozen, generate(of_g, torch.randn(GANS, batch, latent_dim)))).mean(dim=1).sum()
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()


def main() -> None:
    params = load_params()
    ways = {
        "one after the other": lambda steps: list(map(train_small, runs(params, steps))),
        "as one network": partial(train_stacked, params),
        "in processes": lambda steps: map_in_processes(train_small, runs(params, steps)),
        "in threads": lambda steps: map_in_threads(train_small, runs(params, steps)),
    }
    for name, way in ways.items():
        way(2)
        began, processor = time.perf_counter(), time.process_time()
        way(STEPS)
        seconds, processor = time.perf_counter() - began, time.process_time() - processor
        each = STEPS * GANS / 1000
        print(f"{name}: {seconds / each:.1f} ms, of this process's processor time {processor / each:.1f} ms")


if __name__ == "__main__":
    main()
