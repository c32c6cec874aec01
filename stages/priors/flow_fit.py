"""A flow in place of N(0, I): fitted to the codes that an encoder finds for training images.

The codes of real images are not those that a generator was trained on: a VAE's aggregated posterior is not its prior
(Dai & Wipf 2019 fit a second model to it), and a GAN never asks for codes of real images at all. Codes are draws of
q(z | x), many of each image, so that the flow does not sit on points. Where the encoder came after the generator, the
means of q are refined (stages/restoration/refine.py) before a flow is fitted.
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from stages.images.stored import Images
from stages.pipeline.numerics.compute import Compute
from stages.pipeline.numerics.pixels import tensor_to_float
from stages.pipeline.numerics.rates import cosine, set_rate
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.params import FlowFit
from stages.pipeline.progress import Progress
from stages.pipeline.storage import Row
from stages.priors.evidence import draw_posterior
from stages.priors.flow import Flow, initialise_flow, normal_log_density
from stages.priors.misfit import Misfit
from stages.priors.networks import Encoder, Generator, initialise

OWN_IMAGES = 0.3  # first share of an encoder's steps, on images whose codes are known: those that the generator draws
BATCH = 512  # codes in a step of the flow
EVALUATIONS = 10  # of the flow on validation codes; the best of them is kept


@dataclass(frozen=True)
class Codes:
    """q(z | x) of N images, on the host: a normal distribution with independent coordinates for each."""

    mean: Tensor  # (N, latent_dim)
    deviation: Tensor  # (N, latent_dim)

    def draw(self, picked: Tensor, stream: torch.Generator) -> Tensor:
        """A code of each of the images `picked` (M,): (M, latent_dim)."""
        noise = torch.randn((len(picked), self.mean.shape[1]), generator=stream)
        return self.mean[picked] + self.deviation[picked] * noise


def fit_encoder(
    generator: Generator,  # frozen, on the device
    misfit: Misfit,
    images: Images,  # training images (N, C, S, S), uint8
    settings: FlowFit,
    seed: int,
    compute: Compute,
) -> Encoder:
    """q(z | x) of a frozen generator, by the evidence lower bound of the model that is searched (see `evidence`).

    Its first steps are on the generator's own images and their codes (the sleep phase of Hinton et al. 1995): from
    random weights the bound alone seldom finds the right code. Returned frozen and in eval mode.
    """
    encoder = Encoder(**generator.arguments)
    initialise(encoder, torch_stream(seed, "initial weights", "encoder"))
    encoder = compute.place_network(encoder)
    adam = torch.optim.Adam(encoder.parameters(), lr=settings.learning_rate, fused=True)
    stream, order_stream = torch_stream(seed, "encoder"), torch_stream(seed, "data order", "encoder")
    batch_size = min(settings.batch_size, len(images))
    per_epoch = len(images) // batch_size
    steps = settings.encoder_epochs * per_epoch
    progress = Progress("fit encoder", steps)
    for epoch in range(settings.encoder_epochs):
        order = torch.randperm(len(images), generator=order_stream)[: per_epoch * batch_size]
        for number, batch in enumerate(order.view(per_epoch, batch_size), epoch * per_epoch):
            if number < OWN_IMAGES * steps:
                loss = _own_images_loss(encoder, generator, misfit, batch_size, stream, compute)
            else:
                shown = tensor_to_float(compute.place(torch.from_numpy(images[batch.numpy()])))
                codes, divergence = draw_posterior(encoder, shown, stream, compute)
                with compute.autocast():
                    drawn = generator(codes)
                terms = misfit.data_term(shown - drawn, drawn, torch.zeros((), device=compute.device))
                loss = (terms.sum(dim=(1, 2, 3)) + divergence).mean()
            set_rate(adam, settings.learning_rate * cosine(number / steps))
            adam.zero_grad()
            loss.backward()
            adam.step()
            progress.advance()
    return encoder.requires_grad_(False).eval()


def _own_images_loss(
    encoder: Encoder, generator: Generator, misfit: Misfit, count: int, stream: torch.Generator, compute: Compute
) -> Tensor:
    """Minus log q(z | x), up to a constant, of `count` codes and images of the whole model, x = G(z) + e."""
    codes = torch.randn(count, generator.arguments["latent_dim"], generator=stream)
    with torch.no_grad(), compute.autocast():
        drawn = generator(compute.place(codes))
    noise = compute.place(torch.randn(drawn.shape, generator=stream))
    with compute.autocast():
        mean, log_variance = encoder((drawn + misfit.variance(drawn).sqrt() * noise).clamp(0, 1))
    error = (compute.place(codes) - mean).square()
    return (error * (-log_variance).exp() + log_variance).sum(dim=1).mean() / 2


@torch.no_grad()
def encode(encoder: Encoder, images: Images, compute: Compute) -> Codes:
    """The encoder's q(z | x) of images (N, C, S, S), uint8."""
    size = images_at_a_time(images.shape[2])
    means, deviations = [], []
    for start in range(0, len(images), size):
        shown = tensor_to_float(compute.place(torch.from_numpy(images[start : start + size])))
        with compute.autocast():
            mean, log_variance = encoder(shown)
        means.append(mean.cpu())
        deviations.append((log_variance / 2).exp().cpu())
    return Codes(torch.cat(means), torch.cat(deviations))


def fit_flow(train: Codes, validation: Codes, settings: FlowFit, seed: int, compute: Compute) -> tuple[Flow, list[Row]]:
    """A flow fitted by maximum likelihood to codes of training images, and its history.

    The history has a row for every tenth of the steps: how likely codes of both splits are, in nats, on average; those
    of validation images under N(0, I) too. The flow of the best row is returned, frozen and in eval mode.
    """
    stream = torch_stream(seed, "codes of the flow")
    flow = Flow(latent_dim=train.mean.shape[1], couplings=settings.couplings, width=settings.width)
    initialise_flow(flow, torch_stream(seed, "initial weights", "flow"))
    flow = compute.place_network(flow)
    adam = torch.optim.Adam(flow.parameters(), lr=settings.learning_rate, fused=True)
    validation_codes = compute.place(validation.draw(torch.arange(len(validation.mean)), stream))
    normal = normal_log_density(validation_codes).mean().item()
    progress = Progress("fit flow", settings.steps)
    best, history = flow, list[Row]()
    between = math.ceil(settings.steps / EVALUATIONS)
    total = torch.zeros((), device=compute.device)
    for step in range(1, settings.steps + 1):
        codes = train.draw(torch.randint(len(train.mean), (BATCH,), generator=stream), stream)
        with compute.autocast():
            loss = -flow.log_density(compute.place(codes)).mean()
        set_rate(adam, settings.learning_rate * cosine((step - 1) / settings.steps))
        adam.zero_grad()
        loss.backward()
        adam.step()
        total += loss.detach()
        progress.advance()
        if step % between == 0 or step == settings.steps:
            seen = between if step % between == 0 else step % between
            with torch.no_grad():
                likely = flow.log_density(validation_codes).mean().item()
            history.append({"step": step, "train": -(total / seen).item(), "validation": likely, "normal": normal})
            total.zero_()
            if likely >= max(row["validation"] for row in history):
                best = copy.deepcopy(flow)
    return best.requires_grad_(False).eval(), history
