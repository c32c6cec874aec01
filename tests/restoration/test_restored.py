"""Restorations: they come back from their file as they were, beside the observations that they are of."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import publish
from stages.restoration.observation import noisy, stack
from stages.restoration.observed import Observed
from stages.restoration.restored import Restored, join_restored, load_restored, load_rivals, restored_writer
from tests.observations import repeated
from tests.restoration.damages import rewritten, with_value, without


@pytest.fixture
def observed(images) -> Observed:
    """Six images under two noise levels."""
    observation = stack([noisy(images, sigma, seed=0) for sigma in (0.1, 0.5)])
    return repeated(images, np.arange(6, dtype=np.uint8), observation, [0.1, 0.5], "sigma")


@pytest.fixture
def restored(observed) -> Restored:
    """What a prior's methods could have made of them: three methods, two of which end in a code, and a spread."""
    stream = np.random.default_rng(0)
    shape = observed.images.shape

    def random(*axes: int) -> np.ndarray:
        return stream.random(axes, dtype=np.float32)

    return Restored(
        images={method: random(*shape) for method in ("plain", "map", "posterior_mean")},
        codes={method: 4 * random(12, 4) - 2 for method in ("plain", "map")},
        spread={name: random(*shape) for name in ("posterior_std", "low_50", "high_50", "low_90", "high_90")}
        | {"completions": stream.integers(256, size=(12, 3, *shape[1:]), dtype=np.uint8)}
        | {"chain_weights": random(12, 3), "r_hat": 1 + random(12)},
    )


def same(found: Restored, expected: Restored) -> bool:
    """The same arrays of the same types, and methods in the same order."""
    groups = list(zip(vars(found).values(), vars(expected).values(), strict=True))
    return list(found.images) == list(expected.images) and all(
        a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) and a[name].dtype == b[name].dtype for name in b)
        for a, b in groups
    )


def test_what_is_saved_comes_back(tmp_path, observed, restored):
    path = tmp_path / "denoising" / "minimax.npz"
    publish({path: restored_writer(restored)})
    assert same(load_restored(path, observed), restored)


def test_images_alone_come_back(tmp_path, observed, restored):
    path, alone = tmp_path / "tv.npz", Restored({"tv": restored.images["map"]})
    publish({path: restored_writer(alone)})
    assert same(load_restored(path, observed), alone)


def test_methods_may_have_names_of_several_words(tmp_path, observed, restored):
    named = Restored({"l2, prior on": restored.images["plain"], "l1, prior off": restored.images["map"]})
    publish({tmp_path / "norms.npz": restored_writer(named)})
    assert same(load_restored(tmp_path / "norms.npz", observed), named)


def test_the_same_restorations_are_the_same_bytes(tmp_path, restored):
    for name in ("a.npz", "b.npz"):
        publish({tmp_path / name: restored_writer(restored)})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("which", [slice(3, 7), slice(8, None), np.arange(12) % 3 == 0, np.array([11, 2])])
def test_rows_are_those_of_some_observations_in_every_array(restored, which):
    rows = restored.rows(which)
    for group, own in zip(vars(restored).values(), vars(rows).values(), strict=True):
        assert group.keys() == own.keys()
        assert all(np.array_equal(own[name], array[which]) for name, array in group.items())


def test_joined_parts_are_the_whole(restored):
    assert same(join_restored(restored.rows(slice(5)), restored.rows(slice(5, None))), restored)


def of_others(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """As if other images had been restored: every array but the methods' names changed."""
    return rewritten(
        lambda arrays: {name: array if name == "methods" else change(array) for name, array in arrays.items()}
    )


DAMAGES = {
    "missing": (lambda path: path.unlink(), "no such file; `dvc repro` makes it"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "not a file"),
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:-200]), "not a readable npz"),
    "no methods": (without("methods"), "array 'methods' is missing"),
    "a method named but missing": (without("map"), "array 'map' is missing"),
    "methods of numbers": (
        rewritten(lambda arrays: arrays | {"methods": np.arange(3)}),
        "array 'methods' is int64 with 1 axes: allowed is str with 1",
    ),
    "NaN": (with_value("posterior_mean", np.nan), "array 'posterior_mean' has values that are not finite"),
    "NaN in a spread": (with_value("r_hat", np.nan), "array 'r_hat' has values that are not finite"),
    "an infinite code": (with_value("map_codes", np.inf), "array 'map_codes' has values that are not finite"),
    "too bright": (with_value("map", 1.5), "array 'map' has values from"),
    "too dark": (with_value("low_90", -0.5), "array 'low_90' has values from -0.5"),
    "a negative spread": (with_value("posterior_std", -1), "array 'posterior_std' has values from -1"),
    "double precision": (
        rewritten(lambda arrays: arrays | {"map": arrays["map"].astype(np.float64)}),
        "array 'map' is float64 with 4 axes: allowed is float32 with 4",
    ),
    "one method of fewer images": (rewritten(lambda arrays: arrays | {"map": arrays["map"][:6]}), "array 'map' has"),
    "codes of fewer images": (
        rewritten(lambda arrays: arrays | {"map_codes": arrays["map_codes"][:6]}),
        "array 'map_codes' has shape (6, 4)",
    ),
    "of fewer images": (
        of_others(lambda array: array[:6]),
        "plain has shape (6, 1, 28, 28), what was observed (12, 1, 28, 28): run `dvc repro`",
    ),
    "of smaller images": (
        of_others(lambda array: array[..., :14, :14] if array.ndim > 2 else array),
        "plain has shape (12, 1, 14, 14), what was observed (12, 1, 28, 28): run `dvc repro`",
    ),
    "of images in colour": (
        of_others(lambda array: np.repeat(array, 3, axis=-3) if array.ndim > 2 else array),
        "plain has shape (12, 3, 28, 28), what was observed (12, 1, 28, 28): run `dvc repro`",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_damaged_or_of_others_is_named_in_one_line(tmp_path, observed, restored, damage):
    path = tmp_path / "restored.npz"
    publish({path: restored_writer(restored)})
    spoil, problem = DAMAGES[damage]
    spoil(path)
    with pytest.raises(UserError) as refusal:
        load_restored(path, observed)
    assert str(refusal.value).startswith(f"{path}: {problem}") and "\n" not in str(refusal.value)


def test_what_is_not_finite_is_not_saved(tmp_path, restored):
    restored.images["map"][3, 0, 5, 5] = np.nan
    with pytest.raises(UserError, match="not written: array 'map' is not finite"):
        publish({tmp_path / "a.npz": restored_writer(restored)})
    assert not list(tmp_path.iterdir())


@pytest.fixture
def rivals(tmp_path, monkeypatch, restored) -> Restored:
    """Two rivals' files in the project's place."""
    monkeypatch.chdir(tmp_path)
    images = {"tv": restored.images["plain"], "bm3d": restored.images["map"]}
    for rival in images:
        path = artifacts.restored_by_rival("denoising", rival)
        publish({path: restored_writer(Restored({rival: images[rival]}))})
    return Restored(images)


def test_rivals_are_loaded_as_methods_in_the_order_in_which_they_are_named(observed, rivals):
    assert same(load_rivals("denoising", ["tv", "bm3d"], observed), rivals)
    assert list(load_rivals("denoising", ["bm3d", "tv"], observed).images) == ["bm3d", "tv"]
    assert same(load_rivals("denoising", ["tv"], observed), Restored({"tv": rivals.images["tv"]}))


def test_without_rivals_there_are_none_to_load(observed):
    assert same(load_rivals("inversion", [], observed), Restored({}))


def test_a_rival_that_is_missing_or_of_others_is_named(observed, rivals):
    with pytest.raises(UserError, match=r"data/restored/denoising/rivals/wavelet\.npz: no such file"):
        load_rivals("denoising", ["tv", "wavelet"], observed)
    fewer = Observed(
        observed.images[:6],
        None,
        observed.observation.rows(np.arange(6)),
        observed.condition[:6],
        observed.condition_name,
    )
    with pytest.raises(UserError, match=r"data/restored/denoising/rivals/tv\.npz: tv has shape"):
        load_rivals("denoising", ["tv"], fewer)
