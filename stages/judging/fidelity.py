"""How close a cloud of generated images is to real ones, in the feature space of the pipeline's own network.

frechet_distance             Heusel et al. 2017, eq. 6, on these features instead of Inception's.
precision, recall            Kynkaanniemi et al. 2019, eqs. 1-2.
density, coverage            Naeem et al. 2020, eqs. 3-4.
classes_covered, class_entropy   what the classifier sees: classes with at least 1 % of the images, and nats; not where
                             images have no labels.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.pipeline.storage import Row

NEIGHBOURS = 5  # k of the nearest-neighbour balls, as in Naeem et al. 2020
COVERED = 0.01  # the share of generated images from which a class counts as covered
ROWS = 2000  # rows of a distance matrix held at a time


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Squared Frechet distance between Gaussians fitted to features a (N, F) and b (M, F), both float64."""
    mean = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    # tr sqrt(A B) is the sum of square roots of the eigenvalues of A B, which are real and not negative.
    cross = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    return float(mean + cov_a.trace() + cov_b.trace() - 2 * cross)


@dataclass(frozen=True)
class Cloud:
    """Features of images, and the radii of their balls, which many comparisons share."""

    points: Tensor  # (N, F), float64
    radius: Tensor  # (N,): the distance to the k-th nearest other point


def cloud(points: Tensor) -> Cloud:
    """Features (N, F), float64, as they are compared."""
    # Each point is its own nearest, hence k + 1.
    nearest = [torch.cdist(rows, points).topk(NEIGHBOURS + 1, dim=1, largest=False) for rows in points.split(ROWS)]
    return Cloud(points, torch.cat([smallest.values[:, -1] for smallest in nearest]))


def precision_recall_density_coverage(real: Cloud, fake: Cloud) -> dict[str, float]:
    """The four nearest-neighbour measures of generated images against real ones: shares, except density."""
    inside_real = torch.zeros(len(fake.points), device=fake.points.device)  # how many real balls hold each fake image
    recalled, covered = [], []
    for rows in torch.arange(len(real.points), device=real.points.device).split(ROWS):
        distance = torch.cdist(real.points[rows], fake.points)  # (rows, M)
        inside = distance <= real.radius[rows, None]
        inside_real += inside.sum(dim=0)
        covered.append(inside.any(dim=1))
        recalled.append((distance <= fake.radius[None]).any(dim=1))
    return {
        "precision": (inside_real > 0).float().mean().item(),
        "recall": torch.cat(recalled).float().mean().item(),
        "density": (inside_real.mean() / NEIGHBOURS).item(),
        "coverage": torch.cat(covered).float().mean().item(),
    }


def class_statistics(labels: np.ndarray, classes: int) -> dict[str, float]:
    """classes_covered (a count) and class_entropy (nats; log(classes) when even) of predicted labels (N,)."""
    share = np.bincount(labels, minlength=classes) / len(labels)
    present = share[share > 0]
    entropy = -float((present * np.log(present)).sum())
    return {"classes_covered": int((share >= COVERED).sum()), "class_entropy": max(entropy, 0.0)}


def fidelity(real: Cloud, fake: Tensor, labels: np.ndarray | None, classes: int | None) -> Row:
    """All measures of generated images, whose features are `fake` (M, F) and predicted labels (M,), against `real`.

    Without labels there are no class statistics.
    """
    measures: Row = {"frechet_distance": frechet_distance(real.points, fake)}
    measures |= precision_recall_density_coverage(real, cloud(fake))
    return measures if labels is None or classes is None else measures | class_statistics(labels, classes)
