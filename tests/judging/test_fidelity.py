"""Fidelity measures where the answer is known."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stages.judging.fidelity import (
    class_statistics,
    cloud,
    fidelity,
    frechet_distance,
    precision_recall_density_coverage,
)


def drawn(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_frechet_distance_of_a_cloud_to_itself_is_zero():
    assert_close(frechet_distance(drawn(500, 0), drawn(500, 0)), 0.0, rtol=0, atol=1e-6)


def test_frechet_distance_of_shifted_and_scaled_gaussians():
    """|m|^2 + sum (s_a - s_b)^2 for diagonal covariances, here by scaling and shifting one and the same cloud."""
    points = drawn(1000, 0)
    variance = torch.cov(points.T).trace().item()
    shifted = points + torch.tensor([1.0, 2.0, 0.0], dtype=torch.float64)
    assert_close(frechet_distance(points, shifted), 5.0, rtol=1e-4, atol=0)
    doubled = (points - points.mean(dim=0)) * 2
    assert_close(frechet_distance(points - points.mean(dim=0), doubled), variance, rtol=1e-4, atol=0)


def test_neighbour_measures_of_a_cloud_against_itself():
    scores = precision_recall_density_coverage(cloud(drawn(300, 0)), cloud(drawn(300, 0)))
    assert scores["precision"] == scores["recall"] == scores["coverage"] == 1.0
    # Each point lies in its own ball and in those of about five others; the mean over points is exactly 6 / 5.
    assert_close(scores["density"], 1.2, rtol=1e-5, atol=0)


def test_neighbour_measures_of_clouds_far_apart():
    scores = precision_recall_density_coverage(cloud(drawn(100, 0)), cloud(drawn(100, 1) + 100))
    assert set(scores.values()) == {0.0}


def test_a_collapsed_cloud_has_precision_but_no_recall():
    real = drawn(500, 0)
    collapsed = real[:1] + 0.001 * drawn(200, 1)
    scores = precision_recall_density_coverage(cloud(real), cloud(collapsed))
    assert scores["precision"] == 1.0
    assert scores["recall"] < 0.05 and scores["coverage"] < 0.1


@pytest.mark.parametrize(
    ("labels", "covered", "entropy"),
    [([0] * 100, 1, 0.0), (list(range(10)) * 10, 10, math.log(10)), ([0] * 199 + [1], 1, None)],
)
def test_class_statistics(labels, covered, entropy):
    statistics = class_statistics(np.array(labels), classes=10)
    assert statistics["classes_covered"] == covered
    if entropy is not None:
        assert_close(statistics["class_entropy"], entropy, rtol=1e-9, atol=1e-12)


def test_a_row_has_all_measures_and_without_labels_none_of_classes():
    real, fake, labels = drawn(200, 0), drawn(150, 1), np.arange(150) % 10
    row = fidelity(cloud(real), fake, labels, classes=10)
    assert fidelity(cloud(real), fake, None, None) == {
        name: value for name, value in row.items() if name not in ("classes_covered", "class_entropy")
    }
    expected = precision_recall_density_coverage(cloud(real), cloud(fake)) | class_statistics(labels, classes=10)
    assert row == {"frechet_distance": frechet_distance(real, fake)} | expected
