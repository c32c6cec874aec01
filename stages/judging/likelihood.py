"""How likely images are under a latent prior, x = G(z) + e: log p(x), which has no closed form, from below and above.

    p(x) = integral of p(z) N(x; G(z), v(G(z))) dz

A generator alone has no density in the space of images, since what it draws is a set of measure zero there. With the
noise e it has one, and annealed importance sampling estimates it (Wu et al. 2017). The path need not start at the
prior: from a Gaussian that lies where preliminary chains found the posterior's mass, the estimate is just as unbiased
and the path much shorter. For images that the prior drew itself a sample of p(z | x) is
known, the code that was drawn, and with it an upper bound (Grosse et al. 2015): how far the two are apart says how much
to trust an estimate.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from stages.judging.annealed_importance import Energy, anneal, even_path, log_mean_exp, pilot_steps, settle
from stages.judging.bits import LIKELIEST, LOWER, MISFIT, SIMULATED, TEST, UPPER, image_rows
from stages.judging.pixel_noise import PixelNoise, likeliest_noise
from stages.pipeline.numerics.streams import numpy_stream, torch_stream
from stages.pipeline.params import Likelihood
from stages.pipeline.storage import Row
from stages.restoration.latent.curvature import curvatures, whiten
from stages.restoration.latent.descent import Walk
from stages.restoration.latent.search import LatentSearch, explore, walk_on
from stages.restoration.observation import Observation, clean

STARTS = 3  # of the explored ones that go on to the most probable code
PRELIMINARY = 24  # transitions of the chains that tell where a posterior's mass is
AVERAGED = 6  # of their codes over which the curvature is averaged
WALKS, WALK = 3, Walk(steps=60, learning_rate=0.3, ramp_down=0.5, keep_best=True)  # to it


@dataclass(frozen=True)
class Gaussian:
    """N(centre, axes axes') for each of N images: where paths start. Codes are centre + axes t, t ~ N(0, I)."""

    centre: Tensor  # (N, latent_dim)
    axes: Tensor  # (N, latent_dim, latent_dim), upper triangular

    def codes(self, points: Tensor) -> Tensor:
        """Points t (N, R, latent_dim) as codes."""
        return self.centre[:, None] + points @ self.axes.mT

    def points(self, codes: Tensor) -> Tensor:
        """Codes (N, R, latent_dim) as points t."""
        return torch.linalg.solve_triangular(self.axes, (codes - self.centre[:, None]).mT, upper=True).mT

    def rows(self, indices: Tensor) -> "Gaussian":
        """Those of these images."""
        return Gaussian(self.centre[indices], self.axes[indices])


def starting_codes(search: LatentSearch, images: np.ndarray) -> np.ndarray:
    """The codes (N, STARTS, latent_dim) nearest to images (N, C, S, S) that the search of restorations explores."""
    return explore(search, search.objective(clean(images))).starts[:, :STARTS]


def laplace(search: LatentSearch, images: np.ndarray, starts: np.ndarray) -> Gaussian:
    """Around the most probable code of each image (N, C, S, S), as wide as the curvature there says.

    From starts (N, R, latent_dim) by walks in coordinates that are whitened by the curvature of the posterior itself.
    In those of the squared error, which restorations search in, steps are the wrong size where pixels weigh as
    differently as here.
    """
    prior, compute, observation = search.prior, search.compute, clean(images)
    axes = partial(_axes, search)
    label = "most probable code"
    codes = walk_on(prior.generate, observation, starts, [WALK] * WALKS, search.objective, axes, label, compute)
    with torch.no_grad():
        centre = prior.codes(compute.place(torch.from_numpy(codes[:, 0])))
    places = centre.cpu().numpy()[:, None]
    information = curvatures(prior.generator, observation, places, prior.misfit.information, compute)
    return Gaussian(centre, whiten(information + prior.code_curvature(centre)))


def _axes(search: LatentSearch, observation: Observation, codes: np.ndarray) -> Tensor:
    """W (N, latent_dim, latent_dim), W W' the inverse curvature that searches see at codes (N, 1, latent_dim).

    In float32: a Jacobian that is off by 2 %, as in bfloat16, turns the widest directions into steep ones.
    """
    prior, exact = search.prior, replace(search.compute, bfloat16=False)
    information = curvatures(prior.generate, observation, codes, prior.misfit.information, exact)
    return whiten(information + torch.eye(prior.latent_dim, device=information.device))


def settled(search: LatentSearch, images: np.ndarray, start: Gaussian, settings: Likelihood) -> Gaussian:
    """A Gaussian about where the posterior of each image (N, C, S, S) has its mass, from preliminary chains.

    The most probable code is narrower than what is around it. Chains that begin there at the posterior itself tell the
    mean of codes and the curvature averaged over them. They are used for nothing else, so estimates stay unbiased.
    """
    prior, compute, found = search.prior, search.compute, []
    exact = replace(compute, bfloat16=False)
    for batch in torch.arange(len(images)).split(max(compute.search_batch // settings.chains, 1)):
        own, shown = start.rows(batch), images[batch.numpy()]
        streams = _streams(search, "preliminary chains", shown)
        points = torch.zeros((len(shown), settings.chains, prior.latent_dim), device=compute.device)
        energy = joint_energy(search, compute.place(torch.from_numpy(shown)), own)
        codes = own.codes(settle(energy, points, PRELIMINARY, settings.leapfrogs, streams))
        some = codes[:, :: max(codes.shape[1] // AVERAGED, 1)]
        flat = some.flatten(0, 1)
        curvature = prior.code_curvature(flat).reshape(*some.shape, -1).mean(dim=1)
        weigh = prior.misfit.information
        information = curvatures(prior.generator, clean(shown), some.cpu().numpy(), weigh, exact)
        found.append(Gaussian(codes.mean(dim=1), whiten(information + curvature)))
    return Gaussian(torch.cat([own.centre for own in found]), torch.cat([own.axes for own in found]))


def joint_energy(search: LatentSearch, images: Tensor, start: Gaussian) -> Energy:
    """-log of p(x, z) as a density of the points t, of images (N, C, S, S): what `anneal` integrates to p(x).

    Pixels are computed in float32 without autocast, and summed in float64.
    """
    prior = search.prior
    unknowns = images[0].numel() + start.centre.shape[1]
    stretched = start.axes.diagonal(dim1=1, dim2=2).double().abs().log().sum(dim=1)  # log |dz/dt|
    constant = unknowns * math.log(2 * math.pi) / 2 - stretched[:, None]
    no_sensor = images.new_zeros(())

    def energy(points: Tensor) -> tuple[Tensor, Tensor]:
        points = points.detach().requires_grad_()
        codes = start.codes(points)
        drawn = prior.generator(codes.flatten(0, 1)).unflatten(0, codes.shape[:2])
        terms = prior.misfit.data_term(drawn - images[:, None], drawn, no_sensor)
        own = prior.code_energy(codes.flatten(0, 1)).view(codes.shape[:2])
        energies = terms.double().sum(dim=(2, 3, 4)) + own
        (gradient,) = torch.autograd.grad(energies.sum(), points)
        return energies.detach() + constant, gradient

    return energy


@dataclass(frozen=True)
class Annealed:
    """What `annealed` found of N images."""

    lower: np.ndarray  # (N,), nats: log of the mean weight of forward chains, in expectation at most log p(x)
    upper: np.ndarray  # (N,), nats: the same of backward chains, in expectation at least log p(x); (0,) without codes
    codes: np.ndarray  # (N, chains, latent_dim): where the forward chains ended, nearly samples of p(z | x)


def annealed(
    search: LatentSearch,
    images: np.ndarray,  # (N, C, S, S), float32
    start: Gaussian,
    settings: Likelihood,
    truth: np.ndarray | None = None,  # (N, latent_dim): the codes that the prior drew the images from
) -> Annealed:
    """Bounds of log p(x) by annealed importance sampling from `start`.

    Each image has random streams of its own, which depend on its pixels alone: errors are independent from image to
    image, and an image's result does not depend on what else is in the batch.
    """
    compute, found = search.compute, []
    for batch in torch.arange(len(images)).split(max(compute.search_batch // settings.chains, 1)):
        codes = None if truth is None else compute.place(torch.from_numpy(truth[batch.numpy()]))
        found.append(_anneal_batch(search, images[batch.numpy()], start.rows(batch), settings, codes))
    return Annealed(*(torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True)))


def _anneal_batch(
    search: LatentSearch, images: np.ndarray, start: Gaussian, settings: Likelihood, truth: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """`Annealed`'s lower, upper and codes."""
    compute, path = search.compute, even_path(settings.temperatures)
    energy = joint_energy(search, compute.place(torch.from_numpy(images)), start)
    shape = (settings.chains, search.prior.latent_dim)

    def draw(own: list[torch.Generator]) -> Tensor:
        return compute.place(torch.stack([torch.randn(shape, generator=stream) for stream in own]))

    pilot, forward, backward = (
        _streams(search, purpose, images) for purpose in ("pilot chains", "annealing", "reverse annealing")
    )
    steps = pilot_steps(energy, draw(pilot), path, settings.leapfrogs, pilot)
    weights, ends = anneal(energy, draw(forward), path, steps, settings.leapfrogs, forward)
    upper = weights.new_empty(0)
    if truth is not None:
        points = start.points(truth[:, None].expand(-1, settings.chains, -1))
        reverse, _ = anneal(energy, points, path[::-1], steps.flip(1), settings.leapfrogs, backward)
        upper = -log_mean_exp(-reverse)
    return log_mean_exp(weights), upper, start.codes(ends)


def _streams(search: LatentSearch, purpose: str, images: np.ndarray) -> list[torch.Generator]:
    return [torch_stream(search.seed, purpose, hashlib.sha256(image.tobytes()).hexdigest()) for image in images]


def simulate(search: LatentSearch, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes (count, latent_dim) and images x = G(z) + e (count, C, S, S) that the prior draws, float32.

    The codes (before a flow) and the noise's draws are the same for every prior.
    """
    stream = numpy_stream(search.seed, "simulated images")
    u = stream.standard_normal((count, search.prior.latent_dim), dtype=np.float32)
    with torch.no_grad():
        codes = search.prior.codes(search.compute.place(torch.from_numpy(u))).cpu().numpy()
    drawn = search.prior.draw_codes(codes, search.compute)
    variance = search.prior.misfit.variance(torch.from_numpy(drawn)).numpy()
    return codes, drawn + np.sqrt(variance) * stream.standard_normal(drawn.shape, dtype=np.float32)


def dequantise(images: np.ndarray, seed: int, split: str) -> np.ndarray:
    """(255 x + u) / 256 of 8-bit images x in [0, 1], u uniform in [0, 1]: float32 images that have a density.

    u comes from the stream of (seed, "dequantise", split). A density of them bounds the probability of the 8-bit images
    themselves (Theis, van den Oord & Bethge 2016, sec. 3.1).
    """
    noise = numpy_stream(seed, "dequantise", split).random(images.shape, dtype=np.float32)
    return (images * np.float32(255) + noise) / np.float32(256)


def fit_noise(search: LatentSearch, images: np.ndarray, settings: Likelihood) -> PixelNoise:
    """The noise under which validation images (N, C, S, S) are likeliest, by Monte Carlo EM from the search's own.

    The E-step is where annealed chains end (Wei & Tanner 1990, with few samples of many images).
    """
    noise, starts = PixelNoise(search.prior.misfit.slope), starting_codes(search, images)
    for _ in range(settings.rounds):
        own = with_noise(search, noise)
        codes = annealed(own, images, settled(own, images, laplace(own, images, starts), settings), settings).codes
        drawn = own.prior.draw_codes(codes.reshape(-1, codes.shape[2]), own.compute)
        noise = likeliest_noise(images.repeat(settings.chains, axis=0), drawn, noise)
    return noise


def with_noise(search: LatentSearch, noise: PixelNoise) -> LatentSearch:
    """The same search of the same generator with another noise."""
    return replace(search, prior=search.prior.with_misfit(noise))


def likelihoods(search: LatentSearch, test: np.ndarray, validation: np.ndarray, settings: Likelihood) -> list[Row]:
    """log p(x) of dequantised test images and of the prior's own, of each image, under both noises (see `bits.py`).

    The search's prior has the misfit of restorations; the other noise is fitted to dequantised validation images.
    """
    noises = {
        MISFIT: PixelNoise(search.prior.misfit.slope),
        LIKELIEST: fit_noise(search, validation, settings),
    }
    starts = starting_codes(search, test)
    rows: list[Row] = []
    for name, noise in noises.items():
        own = with_noise(search, noise)
        codes, simulated = simulate(own, settings.simulated)
        of_simulated = laplace(own, simulated, starting_codes(search, simulated))
        of_simulated = settled(own, simulated, of_simulated, settings)
        both = annealed(own, simulated, of_simulated, settings, codes)
        found = {
            (TEST, LOWER): annealed(
                own, test, settled(own, test, laplace(own, test, starts), settings), settings
            ).lower,
            (SIMULATED, LOWER): both.lower,
            (SIMULATED, UPPER): both.upper,
        }
        about = {"noise": name, "floor": noise.floor, "slope": noise.slope}
        rows += [about | row for cell, nats in found.items() for row in image_rows(*cell, nats, test[0].size)]
    return rows
