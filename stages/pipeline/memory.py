"""An estimate of the memory that a study takes, before it takes any."""

import contextlib
import os
from pathlib import Path

from stages.pipeline.errors import UserError
from stages.pipeline.numerics.sizes import COVARIANCE_PIXELS, doublings, images_at_a_time
from stages.pipeline.params import PARAMS_FILE, Params

FLOAT, DOUBLE = 4, 8  # bytes
CONTAINER = Path("/sys/fs/cgroup/memory.max")  # holds "max" without a limit
LIBRARIES = 0.6e9  # bytes that Python, torch and the rest take before any image is there
SEARCH_BATCH = 512  # codes of 28x28 pixels at a time on a CPU (pipeline/numerics/compute.py)
JACOBIANS = 16  # times fewer codes have their Jacobians taken at a time, all latents at once


def check_memory(params: Params, channels: int, size: int, conditions: int) -> str:
    """How much a study of images (channels, size, size) takes, in words: however many they are, they stay on the disk.

    `conditions` is the largest number of them in a task. An estimate of the right order: weights with their gradients
    and Adam's averages, the largest batches' maps, Jacobians and curvatures. Raises UserError where this machine has
    less memory.
    """
    needed = estimate(params, channels, size, conditions)
    there = _memory()
    if needed > there:
        train = params.train
        raise UserError(
            f"{PARAMS_FILE}: train.width = {train.width}, train.latent_dim = {train.latent_dim}, train.batch_size = "
            f"{train.batch_size}, images = {params.images}: the study would take about {_gigabytes(needed)}: allowed "
            f"is what this machine has, {_gigabytes(there)}"
        )
    return f"the study takes about {_gigabytes(needed)} of this machine's {_gigabytes(there)}"


def estimate(params: Params, channels: int, size: int, conditions: int) -> float:
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
    training = networks + 6 * FLOAT * maps * max(train.batch_size, images_at_a_time(size))
    # What the couplings of the flow over images keep for their gradients: two maps each, and what is made of them.
    places = sum((size >> level) ** 2 for level in range(1, blocks + 1))
    glow = params.glow
    fitting = 4 * FLOAT * glow.batch_size * glow.width * glow.steps_per_level * places
    searched = images_at_a_time(size, SEARCH_BATCH)
    jacobians = max(searched // JACOBIANS, 1)
    restored = params.images * conditions
    searching = FLOAT * (
        2 * maps * (4 * searched + latent_dim * jacobians)
        + 3 * latent_dim * jacobians * pixels
        + 6 * restored * latent_dim * latent_dim
        + 16 * restored * pixels
        + 20 * searched * pixels  # samples of the posterior
    )
    solving = 3 * FLOAT * params.solvers.images * max(params.solvers.restarts) * latent_dim * latent_dim
    screening = 3 * FLOAT * params.search.map.samples * pixels
    # The rivals' linear model: its covariance and axes, or the blocks of vectors that its axes are found from.
    linear = DOUBLE * pixels * (4 * pixels if pixels <= COVARIANCE_PIXELS else 12 * latent_dim)
    return LIBRARIES + max(training, fitting, searching + screening, solving, linear)


def _memory() -> float:
    """Bytes that this machine has, or as many as the container that this runs in may take."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        return min(there, int(CONTAINER.read_text()))
    return there


def _gigabytes(number: float) -> str:
    return f"{number / 1e9:.3g} GB"
