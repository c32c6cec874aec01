"""Inversion: what each method promises of images that are seen whole, and the misfit that a search leaves."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.judging.image_quality import mse
from stages.pipeline.params import Invert
from stages.priors.misfit import Misfit
from stages.restoration.inversion import FIRST_MISFIT, STARTS, invert, measure_misfit
from stages.restoration.latent.descent import usual_walk
from stages.restoration.latent.prior import LatentPrior
from stages.restoration.latent.search import LatentSearch, explore, least_squares_search
from stages.restoration.observation import clean
from tests.restoration.examples import changed, check, with_map

METHODS = ("plain", "map", "whitened")


def with_first_misfit(search: LatentSearch) -> LatentSearch:
    return replace(search, prior=search.prior.with_misfit(FIRST_MISFIT))


def test_invert_returns_each_method_and_whitened_finds_generated_images(search, images):
    found = invert(search, images, Invert(patience=1, walks=[40, 40]))
    check(found, images=dict.fromkeys(METHODS, images.shape), codes=dict.fromkeys(METHODS, (6, 4)), spread={})
    assert tuple(found.images) == METHODS
    for method, codes in found.codes.items():
        assert np.array_equal(found.images[method], search.prior.draw(codes, search.compute))
    error = {method: mse(images, found.images[method]) for method in METHODS}
    assert (error["whitened"] < 1e-7).all() and (error["whitened"] < error["map"]).all()


def test_patience_is_for_plain_alone(search, images):
    once, twice = (invert(search, images, Invert(patience=patience, walks=[1])) for patience in (1, 2))
    assert changed(once, twice) == {"images plain", "codes plain"}


def test_only_the_best_starts_go_on_to_an_inversion(search, images, exact):
    """With a misfit so large that all of them are as good as their codes are likely, and others nearer to the image."""
    blind = replace(search, prior=search.prior.with_misfit(Misfit(2.0)))
    many = with_map(blind, restarts=9, explore_steps=1, whitened_steps=1)
    starts = explore(many, many.objective(clean(images))).starts
    assert starts.shape == (6, 9, 4)
    walks = [usual_walk(many.settings.map, 1)]

    def least_squares(starts: np.ndarray) -> np.ndarray:
        return least_squares_search(many.prior.generate, clean(images), starts, walks, exact)

    found = invert(many, images, Invert(patience=1, walks=[1])).codes["whitened"]
    assert np.array_equal(found, least_squares(starts[:, :STARTS]))
    for others in (starts, starts[:, : STARTS - 1], starts[:, -STARTS:]):
        assert not np.array_equal(found, least_squares(others))


def test_misfit_is_what_a_search_leaves(search, images):
    """Nothing of what the generator can draw; else the slope of what was added, seen or not: 4 numbers fit no noise."""
    own = with_first_misfit(search)
    reachable, reachable_fitted = measure_misfit(own, images)
    assert 0 <= reachable.slope < 1e-4 and 0 <= reachable_fitted.slope < 1e-4
    noise = np.random.default_rng(0).standard_normal(images.shape)
    added = np.sqrt(0.02 * np.sqrt(images * (1 - images))) * noise
    misfit, fitted = measure_misfit(own, (images + added).astype(np.float32))
    assert misfit.slope == pytest.approx(0.02, rel=0.1) and fitted.slope == pytest.approx(0.02, rel=0.1)


def test_misfit_is_not_fooled_by_pixels_that_are_fitted_too_well(search):
    """A generator with nearly as many numbers as pixels fits any it sees, and none of those held out."""
    stream = torch.Generator().manual_seed(0)
    weights = torch.randn((64, 48), generator=stream) / 4
    images = torch.rand((8, 1, 8, 8), generator=stream).numpy()

    def generate(codes: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(codes @ weights.T).view(-1, 1, 8, 8)

    supple = LatentPrior(generate, latent_dim=48, misfit=FIRST_MISFIT)
    misfit, fitted = measure_misfit(replace(search, prior=supple), images)
    assert fitted.slope < misfit.slope / 2


def test_misfit_is_the_same_every_time_and_another_with_another_seed(search, images):
    own, unreachable = with_first_misfit(search), 1 - images
    first = measure_misfit(own, unreachable)
    assert measure_misfit(own, unreachable) == first
    assert measure_misfit(replace(own, seed=1), unreachable) != first and first[0] != Misfit(0.0)
