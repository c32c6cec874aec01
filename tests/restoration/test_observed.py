"""Sets of observations: they come back from their file as they were, and a damaged file is named instead of used."""

from dataclasses import replace

import numpy as np
import pytest

from stages.pipeline.errors import UserError
from stages.pipeline.storage import publish
from stages.restoration.observation import masked, noisy, stack
from stages.restoration.observed import Observed, join, load_observed, observed_writer
from tests.observations import repeated
from tests.restoration.damages import rewritten, with_value, without

LABELS = np.array([5, 0, 4, 1, 9, 2], dtype=np.uint8)


@pytest.fixture
def observed(images) -> Observed:
    """Six images under two noise levels."""
    observation = stack([noisy(images, 0.5, seed=0), noisy(images, 0.1, seed=0)])
    return repeated(images, LABELS, observation, [0.5, 0.1], "sigma")


@pytest.fixture
def half_hidden(images, half) -> Observed:
    return repeated(images, LABELS, masked(images, half), [1], "holes")


def same(found: Observed, expected: Observed) -> bool:
    """Array by array, of the same types."""
    pairs = [
        (found.images, expected.images),
        (found.labels, expected.labels),
        (found.condition, expected.condition),
        *((array, getattr(expected.observation, name)) for name, array in vars(found.observation).items()),
    ]
    return found.condition_name == expected.condition_name and all(
        a is b if a is None else np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs
    )


def test_what_is_saved_comes_back(tmp_path, observed, half_hidden):
    first, second = tmp_path / "deep" / "a.npz", tmp_path / "b.npz"
    publish({first: observed_writer(observed), second: observed_writer(half_hidden)})
    assert same(load_observed(first), observed) and same(load_observed(second), half_hidden)


def test_images_that_nobody_has_labelled_come_back_without_labels(tmp_path, observed):
    unlabelled = replace(observed, labels=None)
    publish({tmp_path / "a.npz": observed_writer(unlabelled)})
    found = load_observed(tmp_path / "a.npz")
    assert found.labels is None and same(found, unlabelled)


def test_the_same_observations_are_the_same_bytes(tmp_path, observed):
    for name in ("a.npz", "b.npz"):
        publish({tmp_path / name: observed_writer(observed)})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_images_and_labels_are_repeated_under_each_condition(images, observed):
    assert len(observed.images) == len(observed.condition) == 12
    assert np.array_equal(observed.images[:6], images) and np.array_equal(observed.images[6:], images)
    assert observed.labels.tolist() == 2 * LABELS.tolist()
    assert observed.condition.tolist() == ["0.5"] * 6 + ["0.1"] * 6


def test_conditions_are_each_named_once_in_the_order_of_the_grid(observed):
    assert observed.conditions == ["0.5", "0.1"]


def test_a_cell_is_the_images_of_one_condition(observed):
    assert observed.cell("0.5").tolist() == [True] * 6 + [False] * 6
    assert observed.cell("0.1").tolist() == [False] * 6 + [True] * 6
    assert not observed.cell("0.3").any()
    assert (observed.observation.rows(observed.cell("0.1")).sigma == np.float32(0.1)).all()


def test_restorations_are_judged_by_hidden_pixels_or_else_by_all(observed, half_hidden, half):
    assert observed.hidden is None
    assert np.array_equal(half_hidden.hidden, ~half)


def test_joined_sets_stand_one_after_the_other(observed):
    other = replace(observed, images=1 - observed.images, condition=np.repeat(["a", "b"], 6))
    both = join(observed, other)
    assert np.array_equal(both.images, np.concatenate([observed.images, 1 - observed.images]))
    assert both.labels is None
    assert both.conditions == ["0.5", "0.1", "a", "b"] and both.condition_name == "sigma"
    assert both.cell("b").tolist() == [False] * 18 + [True] * 6
    for name, array in vars(both.observation).items():
        assert np.array_equal(array, np.concatenate([getattr(observed.observation, name)] * 2))


def test_joined_sets_come_back_from_a_file(tmp_path, observed, half_hidden):
    both = join(observed, half_hidden)
    publish({tmp_path / "a.npz": observed_writer(both)})
    assert same(load_observed(tmp_path / "a.npz"), both)


DAMAGES = {
    "missing": (lambda path: path.unlink(), "no such file; `dvc repro` makes it"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "not a file"),
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:-200]), "not a readable npz"),
    "no npz": (lambda path: path.write_text("images"), "not a readable npz"),
    **{
        f"no {name}": (without(name), f"array '{name}' is missing")
        for name in ("images", "y", "mask", "sigma", "condition", "condition_name")
    },
    "NaN seen": (with_value("y", np.nan), "array 'y' has values that are not finite"),
    "infinite noise": (with_value("sigma", np.inf), "array 'sigma' has values that are not finite"),
    "negative noise": (with_value("sigma", -0.1), "array 'sigma' has values from -0.1"),
    "too bright": (with_value("images", 1.5), "array 'images' has values from"),
    "another label": (with_value("labels", 200), "array 'labels' has values from"),
    "fewer labels": (rewritten(lambda arrays: arrays | {"labels": LABELS}), "array 'labels' has shape (6,)"),
    "fewer seen": (rewritten(lambda arrays: arrays | {"y": arrays["y"][:6]}), "array 'y' has shape (6, 1, 28, 28)"),
    "other pixels": (rewritten(lambda arrays: arrays | {"y": arrays["y"][..., :14]}), "array 'y' has shape"),
    "a mask of numbers": (
        rewritten(lambda arrays: arrays | {"mask": arrays["mask"].astype(np.uint8)}),
        "array 'mask' is uint8 with 4 axes: allowed is bool with 4",
    ),
    "conditions of numbers": (
        rewritten(lambda arrays: arrays | {"condition": arrays["sigma"]}),
        "array 'condition' is float32 with 1 axes: allowed is str with 1",
    ),
    "an array too many": (
        rewritten(lambda arrays: arrays | {"map": arrays["images"]}),
        "array 'map' does not belong in it",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_in_one_line(tmp_path, observed, damage):
    path = tmp_path / "observed.npz"
    publish({path: observed_writer(observed)})
    spoil, problem = DAMAGES[damage]
    spoil(path)
    with pytest.raises(UserError) as refusal:
        load_observed(path)
    assert str(refusal.value).startswith(f"{path}: {problem}") and "\n" not in str(refusal.value)


def test_what_is_not_finite_is_not_saved(tmp_path, observed):
    observed.observation.y[3, 0, 5, 5] = np.nan
    with pytest.raises(UserError, match="not written: array 'y' is not finite"):
        publish({tmp_path / "a.npz": observed_writer(observed)})
    assert not list(tmp_path.iterdir())
