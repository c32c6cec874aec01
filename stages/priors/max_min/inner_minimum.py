"""The inner problem of max_D min_G V by itself: a discriminator that stays as it is, a generator trained to the end.

E_z[L(l(G(z)))] is linear in the distribution of G(z), so its minimum puts all mass where L(l(x)) is smallest: for
minimax and non_saturating, whose L falls with l, on the points that D rates highest; for least_squares on the level set
l = 1, and on D's highest points only where D rates nothing as high as 1. In the plane such points are found by a dense
grid.
"""

import torch
from torch import Tensor

from stages.pipeline.storage import Row
from stages.priors.max_min.orders import Duels
from stages.priors.objectives import BY_NAME

SIDE = 161  # points along a side of the grid
AT_A_TIME = 4096  # of its points
NEAR = 0.1  # of the box's half side, within which a sample is at a point
SAMPLES = 1000
POINTS = 2000  # of the target, on which the discriminator's own loss is measured


@torch.no_grad()
def surface(duels: Duels, side: int) -> Tensor:
    """Logits (n, side, side) on a grid over each pair's box: [i, y, x], both rising. For targets in the plane."""
    points = _grid(duels, side)
    logits = [duels.logits(some) for some in points.split(AT_A_TIME, dim=1)]
    return torch.cat(logits, dim=1).unflatten(1, (side, side))


def _grid(duels: Duels, side: int) -> Tensor:
    """points (n, side * side, 2), x fastest."""
    axis = torch.linspace(-1, 1, side, device=duels.compute.device)
    unit = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).flatten(0, 1)
    return duels.reach * unit


def solve_inner(duels: Duels, steps: int) -> list[Row]:
    """Train new generators against the pairs' discriminators as they are; how each ends, a row a pair.

    highest     the highest logit in the box
    best        the logit at which the generator's loss is smallest
    reached     the generator's mean logit
    excess      the generator's loss above its minimum in the box
    at_highest  share of samples within NEAR of the highest point
    spread      root mean square distance of samples from their mean, in half sides of the box
    d_loss      the discriminator's loss against the generator's best answer: what max_D min_G makes small
    constant    the same of the best constant discriminator
    """
    duels.replace_generators()
    for _ in range(steps):
        duels.generator_step()
    found = duels.compute.place(duels.samples(SAMPLES, "inner problem"))
    grid, heights = _grid(duels, SIDE), surface(duels, SIDE).flatten(1)
    with torch.no_grad():
        reached = duels.logits(found)
        real = duels.logits(duels.real_points(POINTS))
    rows = []
    for number, run in enumerate(duels.runs):
        loss, reach = BY_NAME[run.loss], run.target.reach
        values = torch.vmap(loss.generator)(heights[number][:, None])
        best = heights[number][values.argmin()]
        highest = grid[number, heights[number].argmax()]
        near = (found[number] - highest).norm(dim=1) <= NEAR * reach
        rows.append(
            {
                "highest": heights[number].max().item(),
                "best": best.item(),
                "reached": reached[number].mean().item(),
                "excess": (loss.generator(reached[number]) - values.min()).item(),
                "at_highest": near.float().mean().item(),
                "spread": (found[number] - found[number].mean(dim=0)).square().sum(dim=1).mean().sqrt().item() / reach,
                "d_loss": loss.discriminator(real[number], best[None]).item(),
                "constant": loss.discriminator(*torch.full((2, 1), loss.threshold)).item(),
            }
        )
    return rows
