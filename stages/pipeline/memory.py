"""An estimate of the memory that a study takes, before it takes any."""

import contextlib
import os
from pathlib import Path

from stages.pipeline.errors import UserError
from stages.pipeline.numerics.sizes import doublings
from stages.pipeline.params import PARAMS_FILE, Params

FLOAT, DOUBLE = 4, 8  # bytes
CONTAINER = Path("/sys/fs/cgroup/memory.max")  # holds "max" without a limit
LIBRARIES = 0.6e9  # bytes that Python, torch and the rest take before any image is there
SEARCH_BATCH = 512  # codes at a time on a CPU (pipeline/numerics/compute.py)
JACOBIAN_BATCH = SEARCH_BATCH // 16  # codes whose Jacobians are taken at a time, all latents at once
BATCH_NORM_BATCH = 1000  # images behind a saved generator's statistics, at a time


def check_memory(params: Params, images: int, channels: int, size: int, conditions: int) -> str:
    """How much a study of `images` training images (channels, size, size) takes, in words.

    `conditions` is the largest number of them in a task. An estimate of the right order: weights with their gradients
    and Adam's averages, the largest batches' maps, Jacobians and curvatures. Raises UserError where this machine has
    less memory.
    """
    needed = estimate(params, images, channels, size, conditions)
    there = _memory()
    if needed > there:
        train = params.train
        raise UserError(
            f"{PARAMS_FILE}: train.width = {train.width}, train.latent_dim = {train.latent_dim}, train.batch_size = "
            f"{train.batch_size}, images = {params.images}: the study would take about {_gigabytes(needed)}: allowed "
            f"is what this machine has, {_gigabytes(there)}"
        )
    return f"the study takes about {_gigabytes(needed)} of this machine's {_gigabytes(there)}"


def estimate(params: Params, images: int, channels: int, size: int, conditions: int) -> float:
    """Bytes at the peak."""
    train, latent_dim, pixels = params.train, params.train.latent_dim, channels * size * size
    blocks = doublings(size)
    widths = [train.width << level for level in range(blocks)]  # from the image inwards
    start = size >> blocks
    coarsest = widths[-1] * start * start
    kernels = 16 * sum(a * b for a, b in zip([channels, *widths], widths, strict=False))
    weights = (latent_dim + 1) * coarsest + 2 * kernels  # of both networks
    maps = sum(width * (size >> (level + 1)) ** 2 for level, width in enumerate(widths)) + pixels  # of one image

    networks = weights * FLOAT * (4 + 2 * (len(train.sample_epochs) + 2))  # with Adam's state, copies kept and saved
    training = networks + 2 * images * pixels + 6 * FLOAT * maps * max(train.batch_size, BATCH_NORM_BATCH)
    restored = params.images * conditions
    searching = FLOAT * (
        2 * maps * (4 * SEARCH_BATCH + latent_dim * JACOBIAN_BATCH)
        + 3 * latent_dim * JACOBIAN_BATCH * pixels
        + 6 * restored * latent_dim * latent_dim
        + 16 * restored * pixels
        + 20 * SEARCH_BATCH * pixels  # samples of the posterior
    )
    solving = 3 * FLOAT * params.solvers.images * max(params.solvers.restarts) * latent_dim * latent_dim
    screening = 3 * FLOAT * params.search.map.samples * pixels
    linear = 4 * DOUBLE * pixels * pixels  # the rivals' linear model, its covariance and axes
    return LIBRARIES + max(training, searching + screening, solving, linear)


def _memory() -> float:
    """Bytes that this machine has, or as many as the container that this runs in may take."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        return min(there, int(CONTAINER.read_text()))
    return there


def _gigabytes(number: float) -> str:
    return f"{number / 1e9:.3g} GB"
