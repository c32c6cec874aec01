"""Samples of z given an observation: what a restored image is on average, how sure it is, and what else it could be.

From each of several starts runs a chain of kinetic Langevin dynamics: the BAOAB splitting (Leimkuhler & Matthews 2015,
sec. 7.3), a leapfrog step with the momentum partly redrawn in its middle, in coordinates in which the posterior's
curvature is about the same in all directions. Where the posterior is Gaussian its steps have no bias. There is no
accept-reject test: a rejection reverses a chain, which costs a chain this short more than the bias that is left. How
well the chains agree and how often their intervals hold the truth is measured instead. Only a step that goes off
altogether is taken back.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.numerics.pixels import to_uint8
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.progress import Progress
from stages.priors.misfit import Misfit
from stages.restoration.latent.curvature import curvatures, whiten
from stages.restoration.latent.objective import place_observation
from stages.restoration.latent.search import CURVATURE_STARTS, Explored, LatentSearch
from stages.restoration.observation import Observation

FRICTION = 0.5  # momentum forgotten in a unit of (whitened) time
FIRST_STEP, LONGEST_STEP = 0.3, 1.5  # from 2 on, steps are unstable where the posterior is Gaussian
ACCURACY = 0.6  # mean min(1, exp(-energy error)) of a step, which the burn-in makes the step size meet
ADAPTATION = 0.2  # how fast it does
LARGEST_ERROR = 30.0  # nats by which a step may raise the energy, or it is taken back
THINNING = 5  # steps between the images that are kept
PREDICTIVE = 96  # draws of an image behind each interval
INTERVAL_ENDS = {"low_50": 0.25, "high_50": 0.75, "low_90": 0.05, "high_90": 0.95}  # share of the draws below each


def sample_posterior(
    search: LatentSearch, observation: Observation, explored: Explored
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The posterior mean E[x | y] of N images, x = G(z) + e, and how sure it is; float32 unless said.

    The mean (N, C, S, S) draws what is hidden and weighs what is noisy. With it come:

    posterior_std (N, C, S, S)     standard deviation of x given y
    low_<c>, high_<c> (N, C, S, S) interval that holds a pixel with probability c = 50, 90 %
    completions (N, R, C, S, S)    uint8: the last E[x | z, y] of every chain, in the order of the weights
    chain_weights (N, R)           in the same order
    r_hat (N,)                     split R-hat of the energy over all chains (Gelman et al. 2013, sec. 11.4)

    One chain runs from each explored start. Every observation sees the same random numbers, so results do not depend on
    what else is in the batch.
    """
    starts, prior, compute = explored.starts, search.prior, search.compute
    chains = search.settings.posterior
    count, restarts, latent_dim = starts.shape
    objective = replace(search.objective(observation), prior=0.0)
    per_batch = max(compute.search_batch // restarts, 1)  # observations; all chains of one are in the same batch
    batches = torch.arange(count).split(per_batch)
    progress = Progress("posterior", chains.steps * len(batches))
    parts = []
    for batch in batches:
        stream = torch_stream(search.seed, "posterior")  # the same draws in every batch
        with torch.no_grad():
            codes = prior.codes(compute.place(torch.from_numpy(starts[batch.numpy()])).flatten(0, 1))
        codes = codes.view(-1, restarts, latent_dim)
        whitening = _whitening(search, observation.rows(batch.numpy()), codes[:, :CURVATURE_STARTS])
        misfit_energy = objective.batch(batch.repeat_interleave(restarts), compute)
        drawn, energies = _run_chains(search, misfit_energy, codes, whitening, stream, progress)
        weights = (-energies.mean(dim=2) / chains.temperature).softmax(dim=1)
        seen = place_observation(observation, batch, compute)
        summary = _summarise(drawn, weights, seen, prior.misfit, stream) | {"r_hat": split_r_hat(energies)}
        parts.append({name: values.cpu().contiguous().numpy() for name, values in summary.items()})
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found["completions"] = to_uint8(found["completions"])
    return found.pop("posterior_mean"), found


def _whitening(search: LatentSearch, observation: Observation, codes: Tensor) -> Tensor:
    """Coordinates (B, latent_dim, latent_dim) in which the posterior's curvature is the same in all directions.

    It is averaged over codes (B, M, latent_dim) of each observation.
    """
    prior, compute = search.prior, search.compute
    information = curvatures(prior.generator, observation, codes.cpu().numpy(), prior.misfit.information, compute)
    count, some, latent_dim = codes.shape
    own = prior.code_curvature(codes.flatten(0, 1)).view(count, some, latent_dim, latent_dim)
    return whiten(information + own.mean(dim=1))


def _run_chains(
    search: LatentSearch,
    misfit_energy: Callable[[Tensor, Tensor], Tensor],  # (codes, images) -> (B R,), without the codes' own
    starts: Tensor,  # (B, R, latent_dim)
    whitening: Tensor,  # (B, latent_dim, latent_dim)
    stream: torch.Generator,
    progress: Progress,
) -> tuple[Tensor, Tensor]:
    """After the burn-in: every fifth image of each chain (B, R, S, C, H, W), and all energies (B, R, steps)."""
    prior, chains, compute = search.prior, search.settings.posterior, search.compute
    count, restarts, latent_dim = starts.shape

    def turn(vectors: Tensor, by: Tensor) -> Tensor:  # (B R, latent_dim)
        return (vectors.view(count, restarts, latent_dim) @ by).view(-1, latent_dim)

    def draw() -> Tensor:
        noise = torch.randn((restarts, latent_dim), generator=stream)
        return compute.place(noise).repeat(count, 1)

    def kinetic(momentum: Tensor) -> Tensor:
        return momentum.square().sum(dim=1) / 2

    def evaluate(codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Energies (M,), their whitened gradients (M, latent_dim), and the images."""
        codes = codes.detach().requires_grad_()
        with compute.autocast():
            images = prior.generator(codes)
            own = prior.code_energy(codes)
        energies = misfit_energy(codes, images) + own
        (gradients,) = torch.autograd.grad(energies.sum(), codes)
        return energies.detach(), turn(gradients, whitening), images.detach()

    codes = starts.flatten(0, 1)
    momentum = draw()
    step = torch.full((len(codes), 1), FIRST_STEP, device=codes.device)
    energies, gradients, images = evaluate(codes)
    kept_images, kept_energies = [], []
    for number in range(chains.steps):
        before, total = (codes, energies, gradients, images), energies + kinetic(momentum)
        momentum = momentum - step / 2 * gradients
        codes = codes + step / 2 * turn(momentum, whitening.mT)
        total = total - kinetic(momentum)
        memory = torch.exp(-FRICTION * step)
        momentum = memory * momentum + (1 - memory.square()).sqrt() * draw()
        total = total + kinetic(momentum)  # what redrawing adds is no error
        codes = codes + step / 2 * turn(momentum, whitening.mT)
        energies, gradients, images = evaluate(codes)
        momentum = momentum - step / 2 * gradients
        error = energies + kinetic(momentum) - total
        fine = error < LARGEST_ERROR  # and not NaN
        codes, energies, gradients, images = (
            torch.where(fine.view(-1, *[1] * (new.ndim - 1)), new, old)
            for new, old in zip((codes, energies, gradients, images), before, strict=True)
        )
        momentum = torch.where(fine[:, None], momentum, draw())
        if number < chains.burn_in:
            accuracy = (-error).clamp(max=0).exp()
            change = torch.where(fine, torch.exp(ADAPTATION * (accuracy - ACCURACY)), 0.5)
            step = (step * change[:, None]).clamp(max=LONGEST_STEP)
        else:
            kept_energies.append(energies)
            if (chains.steps - 1 - number) % THINNING == 0:
                kept_images.append(images)
        progress.advance()

    drawn = torch.stack(kept_images, dim=1).view(count, restarts, len(kept_images), *images.shape[1:])
    return drawn, torch.stack(kept_energies, dim=1).view(count, restarts, -1)


@torch.no_grad()
def _summarise(
    drawn: Tensor,  # (B, R, S, C, H, W): G(z) of S samples of each chain
    weights: Tensor,  # (B, R)
    seen: tuple[Tensor, Tensor, Tensor],  # y, mask and sensor variance, of `place_observation`
    misfit: Misfit,
    stream: torch.Generator,
) -> dict[str, Tensor]:
    count, restarts, samples = drawn.shape[:3]
    y, mask, sensor = (part[:, None, None] for part in seen)
    means, variances = misfit.complete(drawn, y, mask, sensor)  # of x, given z and y
    share = (weights / samples)[:, :, None, None, None, None]
    certain = mask & (sensor == 0)  # seen without noise: exactly that, and not up to rounding
    mean = torch.where(certain, y, (share * means).sum(dim=(1, 2), keepdim=True))[:, 0, 0]
    variance = (share * (variances + (means - mean[:, None, None]).square())).sum(dim=(1, 2))

    # Draws of x: a chain by its weight, one of its samples, then what the generator cannot draw.
    shares = ((torch.arange(PREDICTIVE) + 0.5) / PREDICTIVE).expand(count, -1)  # systematic resampling
    chain = torch.searchsorted(weights.cumsum(dim=1).cpu(), shares.contiguous()).clamp(max=restarts - 1)
    sample = torch.randint(samples, (PREDICTIVE,), generator=stream).expand(count, -1)
    pick = (torch.arange(count)[:, None], chain, sample)
    noise = torch.randn((PREDICTIVE, *drawn.shape[3:]), generator=stream).to(drawn.device)
    draws = (means[pick] + variances[pick].sqrt() * noise).clamp(0, 1)
    # The k-th of n draws lies above k / (n + 1) of the distribution, not above (k - 1) / (n - 1).
    places = [(at * (PREDICTIVE + 1) - 1) / (PREDICTIVE - 1) for at in INTERVAL_ENDS.values()]
    ends = draws.quantile(torch.tensor(places, dtype=draws.dtype, device=draws.device), dim=1)

    order = weights.argsort(dim=1, descending=True, stable=True)
    last = torch.take_along_dim(means[:, :, -1], order[:, :, None, None, None], dim=1)
    return {
        "posterior_mean": mean.clamp(0, 1),
        "posterior_std": variance.sqrt(),
        "completions": last,
        "chain_weights": torch.take_along_dim(weights, order, dim=1),
    } | dict(zip(INTERVAL_ENDS, ends, strict=True))


def split_r_hat(values: Tensor) -> Tensor:
    """Split R-hat of values (N, chains, samples): (N,), 1 where the halves of all chains agree.

    The root of (within + between) / within variance of half chains (Gelman et al. 2013, eq. 11.4).
    """
    half = values.shape[2] // 2
    halves = torch.cat([values[:, :, :half], values[:, :, -half:]], dim=1)
    within = halves.var(dim=2).mean(dim=1)
    between = halves.mean(dim=2).var(dim=1)
    return (((half - 1) / half * within + between) / within).sqrt()
