"""The methods side by side: the arrays that they promise, and what each is good for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.pipeline.params import Invert
from stages.restoration import methods
from stages.restoration.methods import (
    CURVATURE_STARTS,
    INVERSION_STARTS,
    compare_norms,
    draw,
    explore,
    invert,
    measure_misfit,
    restore,
    typical_misfit,
)
from stages.restoration.names import INVERSIONS, METHODS
from stages.restoration.norms import NORMS
from stages.restoration.objective import FLOOR, Misfit, Objective
from stages.restoration.observation import clean, masked, noisy, stack
from stages.restoration.quality import mse
from stages.restoration.search import descend, draw_prior, screen, usual_walk

MISFIT = Misfit(slope=0.002)


@pytest.fixture
def common(search_settings, exact) -> dict:
    """Arguments that all methods take."""
    return {"latent_dim": 4, "search": search_settings, "seed": 0, "compute": exact}


def check(arrays: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]]) -> None:
    """These arrays and no others, of these shapes, all finite; float32, but for the completions."""
    assert {name: array.shape for name, array in arrays.items()} == shapes
    assert {name for name, array in arrays.items() if array.dtype != np.float32} <= {"completions"}
    assert all(np.isfinite(array).all() for array in arrays.values())


@pytest.fixture
def observation(images, half):
    return stack([noisy(images, 0.2, 0), masked(images, half)])


def test_restore_returns_each_method_and_how_sure_it_is(tiny_generator, observation, common):
    found = restore(tiny_generator, observation, misfit=MISFIT, **common)
    image, restarts = (12, 1, 28, 28), common["search"].map.restarts
    check(
        found,
        dict.fromkeys([*METHODS, "posterior_std", "low_50", "high_50", "low_90", "high_90"], image)
        | {"plain_codes": (12, 4), "map_codes": (12, 4)}
        | {"completions": (12, restarts, *image[1:]), "chain_weights": (12, restarts), "r_hat": (12,)},
    )
    for method in ("plain", "map"):
        assert np.array_equal(found[method], draw(tiny_generator, found[f"{method}_codes"], common["compute"]))


def test_restore_never_reads_hidden_pixels_but_for_plain(tiny_generator, images, half, common):
    seen = masked(images, half)
    junk = replace(seen, y=np.where(half, images, np.float32(0.7)))
    first, second = (restore(tiny_generator, seen, misfit=MISFIT, **common) for seen in (seen, junk))
    changed = {name for name in first if first[name].tobytes() != second[name].tobytes()}
    assert changed == {"plain", "plain_codes"}


def test_map_and_the_posterior_mean_restore_better_than_plain(tiny_generator, images, observation, common):
    found = restore(tiny_generator, observation, misfit=MISFIT, **common)
    truth = np.tile(images, (2, 1, 1, 1))
    error = {method: np.median(mse(truth, found[method])[6:]) for method in METHODS}  # of half hidden images
    assert error["map"] < error["plain"] / 10 and error["posterior_mean"] < error["plain"] / 10


def test_invert_returns_each_method_and_whitened_finds_generated_images(tiny_generator, images, common):
    found = invert(tiny_generator, images, misfit=MISFIT, settings=Invert(patience=1, walks=[40, 40]), **common)
    check(found, dict.fromkeys(INVERSIONS, images.shape) | {f"{method}_codes": (6, 4) for method in INVERSIONS})
    for method in INVERSIONS:
        assert np.array_equal(found[method], draw(tiny_generator, found[f"{method}_codes"], common["compute"]))
    error = {method: mse(images, found[method]) for method in INVERSIONS}
    assert (error["whitened"] < 1e-7).all() and (error["whitened"] < error["map"]).all()


def test_patience_is_for_plain_alone(tiny_generator, images, common):
    once, twice = (
        invert(tiny_generator, images, misfit=MISFIT, settings=Invert(patience=patience, walks=[1]), **common)
        for patience in (1, 2)
    )
    assert {name for name in once if once[name].tobytes() != twice[name].tobytes()} == {"plain", "plain_codes"}


def test_only_the_best_starts_go_on_to_an_inversion(tiny_generator, images, common, monkeypatch):
    search = common["search"].model_copy(update={"map": common["search"].map.model_copy(update={"restarts": 9})})
    seen = []

    def watch(_generate, _observation, starts: np.ndarray, *_) -> np.ndarray:
        seen.append(starts)
        return starts[:, 0]

    monkeypatch.setattr(methods, "least_squares_search", watch)
    invert(tiny_generator, images, misfit=MISFIT, settings=Invert(patience=1, walks=[1]), **common | {"search": search})
    settings = {"latent_dim": 4, "misfit": MISFIT, "settings": search.map, "seed": 0, "compute": common["compute"]}
    found = explore(tiny_generator, Objective(clean(images), MISFIT.data_term), **settings)
    assert found.starts.shape == (6, 9, 4) and np.array_equal(seen[0], found.starts[:, :INVERSION_STARTS])


@pytest.mark.parametrize("restarts", [1, 5])
def test_curvature_is_measured_at_the_best_starts(tiny_generator, images, common, monkeypatch, restarts):
    settings = common["search"].map.model_copy(update={"restarts": restarts, "whitened_steps": 0})
    seen, measure = [], methods.curvatures

    def watch(generate, observation, codes: np.ndarray, *rest):
        seen.append(codes)
        return measure(generate, observation, codes, *rest)

    monkeypatch.setattr(methods, "curvatures", watch)
    objective, compute = Objective(clean(images), MISFIT.data_term), common["compute"]
    explore(tiny_generator, objective, latent_dim=4, misfit=MISFIT, settings=settings, seed=0, compute=compute)
    best = screen(tiny_generator, objective, draw_prior(settings.samples, 4, seed=0), restarts, compute)
    best, _ = descend(tiny_generator, objective, best, usual_walk(settings, settings.explore_steps), compute, "again")
    assert np.array_equal(seen[0], best[:, : min(restarts, CURVATURE_STARTS)])


def test_misfit_is_what_a_search_leaves(tiny_generator, images, common):
    """Nothing of what the generator can draw; else the slope of what was added, seen or not: 4 numbers fit no noise."""
    reachable, reachable_fitted = measure_misfit(tiny_generator, images, **common)
    assert 0 <= reachable.slope < 1e-4 and 0 <= reachable_fitted.slope < 1e-4
    noise = np.random.default_rng(0).standard_normal(images.shape)
    added = np.sqrt(0.02 * np.sqrt(images * (1 - images))) * noise
    misfit, fitted = measure_misfit(tiny_generator, (images + added).astype(np.float32), **common)
    assert misfit.slope == pytest.approx(0.02, rel=0.1) and fitted.slope == pytest.approx(0.02, rel=0.1)


def test_misfit_is_not_fooled_by_pixels_that_are_fitted_too_well(common):
    """A generator with nearly as many numbers as pixels fits any it sees, and none of those held out."""
    stream = torch.Generator().manual_seed(0)
    weights = torch.randn((64, 48), generator=stream) / 4
    images = torch.rand((8, 1, 8, 8), generator=stream).numpy()

    def generate(codes: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(codes @ weights.T).view(-1, 1, 8, 8)

    misfit, fitted = measure_misfit(generate, images, **common | {"latent_dim": 48})
    assert fitted.slope < misfit.slope / 2


def test_typical_misfit_is_the_variance_averaged_over_pixels(tiny_generator, common):
    settings = (4, 0, common["compute"])
    assert typical_misfit(tiny_generator, Misfit(0.0), *settings) == pytest.approx(FLOOR)
    one, two = (typical_misfit(tiny_generator, Misfit(slope), *settings) - FLOOR for slope in (0.01, 0.02))
    assert two == pytest.approx(2 * one, rel=1e-4) and 0 < two <= 0.01


def test_compare_norms_restores_with_each_norm_with_and_without_the_prior(tiny_generator, images, half, common):
    """And hidden pixels spoil the norm that reads them, but no other."""
    settings = common | {"settings": common["search"].map, "misfit": MISFIT, "mean_misfit": 0.001}
    del settings["search"]
    found = compare_norms(tiny_generator, masked(images, half), **settings)
    check(found, {f"{norm}, prior {prior}": images.shape for norm in NORMS for prior in ("off", "on")})
    assert len({array.tobytes() for array in found.values()}) == 2 * len(NORMS)
    error = {name: np.median(mse(images, restored, ~half)) for name, restored in found.items()}
    assert {name for name in error if error[name] > 1e-4} == {"l2_all, prior off", "l2_all, prior on"}
