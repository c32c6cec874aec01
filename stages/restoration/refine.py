"""Means of an encoder's q(z | x), moved towards the most probable code of each image.

An encoder's codes reproduce an image less well than those of a search. Where it errs, it errs alike on the image and on
what the generator draws of its code, so the difference E(x) - E(G(z)) moves a code z towards that of x. Then Adam goes
on in coordinates in which the energy's curvature, averaged over codes, is the same in all directions: each image's own
curvature would need its Jacobian, which is more work than the walk.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from stages.images.stored import Images
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.pixels import to_float
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.priors.flow_fit import Codes
from stages.priors.misfit import Misfit
from stages.priors.networks import Encoder, Generator
from stages.restoration.latent.curvature import curvatures, whiten
from stages.restoration.latent.descent import Walk, descend
from stages.restoration.latent.objective import Objective
from stages.restoration.observation import clean

MOVES = 3  # by E(x) - E(G(z)); the code of least energy among them is where Adam starts
AVERAGED = 128  # draws of N(0, I) over which the curvature is averaged
LEARNING_RATE = 1.0  # of Adam, in whitened coordinates; from there it falls to zero
IN_MEMORY = 10_000  # images of 28x28 pixels that lie in memory as floats at a time


def average_axes(generator: Generator, misfit: Misfit, seed: int, compute: Compute) -> Tensor:
    """W (1, latent_dim, latent_dim), W W' the inverse of the energy's curvature, averaged over draws of N(0, I)."""
    shape = generator.arguments
    codes = torch.randn((AVERAGED, shape["latent_dim"]), generator=torch_stream(seed, "refine codes"))
    unseen = np.zeros((AVERAGED, shape["channels"], shape["image_size"], shape["image_size"]), np.float32)
    whole = clean(unseen)  # a curvature asks what is seen of an image, and not what the image is
    information = curvatures(generator, whole, codes[:, None].numpy(), misfit.information, compute).mean(dim=0)
    return whiten(information + torch.eye(len(information), device=information.device))[None]


def refine(
    generator: Generator,  # frozen, on the device
    encoder: Encoder,  # likewise
    misfit: Misfit,
    images: Images,  # (N, C, S, S), uint8
    codes: Codes,  # of these images, as the encoder found them
    steps: int,  # of Adam, at least 2: what the last one leads to is not looked at
    axes: Tensor,  # of `average_axes`
    label: str,  # for the progress bar
    compute: Compute,
) -> Codes:
    """The same with means of less energy, |z|^2 / 2 - log p(x | z), and the encoder's own deviations."""
    places = torch.arange(len(images)).split(images_at_a_time(images.shape[2], IN_MEMORY))
    walk, refined = Walk(steps, LEARNING_RATE, ramp_down=1.0, keep_best=True), []
    for number, chunk in enumerate(places, 1):
        objective = Objective(clean(to_float(images[chunk.numpy()])), misfit.data_term)
        starts = _moved(generator, encoder, objective, codes.mean[chunk], compute)[:, None].numpy()
        part = f"refine codes, {label} {number}/{len(places)}"
        found, _ = descend(generator, objective, starts, walk, compute, part, axes.expand(len(chunk), -1, -1))
        refined.append(torch.from_numpy(found[:, 0]))
    return replace(codes, mean=torch.cat(refined))


@torch.no_grad()
def _moved(generator: Generator, encoder: Encoder, objective: Objective, codes: Tensor, compute: Compute) -> Tensor:
    """For each image the code of least energy after 0 to MOVES moves, (N, latent_dim), on the host."""
    found = []
    for batch in torch.arange(len(codes)).split(compute.search_batch):
        energy = objective.batch(batch, compute)
        shown = compute.place(torch.from_numpy(objective.observation.y[batch.numpy()]))
        code = compute.place(codes[batch])
        best, least = code, torch.full((len(code),), torch.inf, device=code.device)
        with compute.autocast():
            target = encoder(shown)[0]
        for number in range(MOVES + 1):
            with compute.autocast():
                drawn = generator(code)
            own = energy(code, drawn)
            best = torch.where((own < least)[:, None], code, best)
            least = torch.minimum(own, least)
            if number < MOVES:
                with compute.autocast():
                    code = code + target - encoder(drawn)[0]
        found.append(best.cpu())
    return torch.cat(found)
