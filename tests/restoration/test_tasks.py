"""Tasks: what each of them makes of images under every condition of its grid, and which settings it refuses."""

import numpy as np
import pytest

from stages.pipeline import named
from stages.pipeline.errors import UserError
from stages.pipeline.params import Group, load_params
from stages.restoration.observation import Observation, masked, noisy
from stages.restoration.task import Grid, Task, load_grid
from stages.restoration.windows import draw_windows
from tests.project import ROOT

GRIDS = {"denoising": {"sigmas": [0.0, 0.1, 0.5]}, "inpainting": {"holes": [1, 3], "window": 8}}


def grid(task: str, **changes: object) -> Grid:
    params = load_params(ROOT / "params.yaml")
    return load_grid(task, params.model_copy(update={"grids": GRIDS | {task: GRIDS[task] | changes}}))


LABELS = np.array([5, 0, 4, 1, 9, 2], dtype=np.uint8)


def same(found: Observation, expected: Observation) -> bool:
    return all(np.array_equal(array, getattr(expected, name)) for name, array in vars(found).items())


def test_every_task_has_a_grid_here():
    assert set(GRIDS) <= set(named.names(named.TASKS))


def test_the_grid_is_that_of_params():
    assert grid("denoising").conditions == [0.0, 0.1, 0.5] and grid("denoising").task.condition == "sigma"
    assert grid("inpainting").conditions == [1, 3] and grid("inpainting").task.condition == "holes"
    assert grid("inpainting").settings.window == 8


def test_denoising_observes_all_images_under_one_noise_level_after_the_other(images):
    seen = grid("denoising").observe(images, LABELS, seed=5).observation
    assert len(seen.y) == 18
    for place, sigma in enumerate([0.0, 0.1, 0.5]):
        assert same(seen.rows(np.arange(6 * place, 6 * place + 6)), noisy(images, sigma, seed=5))
    assert seen.mask.all() and not same(seen, grid("denoising").observe(images, LABELS, seed=6).observation)


def test_inpainting_observes_all_images_with_one_number_of_windows_after_the_other(images):
    seen = grid("inpainting").observe(images, LABELS, seed=5).observation
    assert len(seen.y) == 12
    for place, holes in enumerate([1, 3]):
        expected = masked(images, draw_windows(images, holes, 8, seed=5))
        assert same(seen.rows(np.arange(6 * place, 6 * place + 6)), expected)
    assert not seen.sigma.any() and not same(seen, grid("inpainting").observe(images, LABELS, seed=6).observation)


@pytest.mark.parametrize(
    ("task", "changes", "problem"),
    [
        ("denoising", {"sigmas": []}, "denoising.sigmas = []: list should have at least 1 item"),
        ("denoising", {"sigmas": [0.0]}, "denoising.sigmas = [0.0]: one of them above 0"),
        ("denoising", {"sigmas": [0.5, 0.1]}, "denoising.sigmas = [0.5, 0.1]: each value once, in rising order"),
        ("denoising", {"sigmas": [0.1, 0.1]}, "denoising.sigmas = [0.1, 0.1]: each value once, in rising order"),
        ("denoising", {"sigmas": [-0.1]}, "denoising.sigmas.0 = -0.1: input should be greater than or equal to 0"),
        ("denoising", {"sigmas": [11.0]}, "denoising.sigmas.0 = 11.0: input should be less than or equal to 10"),
        ("denoising", {"sigmas": [float("nan")]}, "denoising.sigmas.0 = nan: input should be a finite number"),
        ("denoising", {"sigmas": ["1e-1"]}, "denoising.sigmas.0 = '1e-1': "),
        ("denoising", {"sigmas": 0.1}, "denoising.sigmas = 0.1: input should be a valid list"),
        ("denoising", {"window": 8}, "denoising.window is not a parameter"),
        ("inpainting", {"holes": []}, "inpainting.holes = []: list should have at least 1 item"),
        ("inpainting", {"holes": [0, 1]}, "inpainting.holes.0 = 0: input should be greater than or equal to 1"),
        ("inpainting", {"holes": [2, 1]}, "inpainting.holes = [2, 1]: each value once, in rising order"),
        ("inpainting", {"holes": [1.5]}, "inpainting.holes.0 = 1.5: input should be a valid integer"),
        ("inpainting", {"window": 0}, "inpainting.window = 0: input should be greater than or equal to 1"),
        ("inpainting", {"window": True}, "inpainting.window = True: input should be a valid integer"),
        ("inpainting", {"sigmas": [0.1]}, "inpainting.sigmas is not a parameter"),
    ],
)
def test_settings_that_make_no_sense_are_refused(task, changes, problem):
    with pytest.raises(UserError) as refusal:
        grid(task, **changes)
    assert str(refusal.value).startswith(f"params.yaml: {problem}") and "\n" not in str(refusal.value)


@pytest.mark.parametrize(("task", "key"), [("denoising", "sigmas"), ("inpainting", "holes"), ("inpainting", "window")])
def test_a_missing_key_is_named(task, key):
    params = load_params(ROOT / "params.yaml")
    lacking = {name: value for name, value in GRIDS[task].items() if name != key}
    with pytest.raises(UserError, match=rf"{task}\.{key} is missing"):
        load_grid(task, params.model_copy(update={"grids": {task: lacking}}))


def test_windows_must_fit_the_images_and_noise_fits_any():
    grid("inpainting").check(28)
    with pytest.raises(UserError, match=r"params.yaml: inpainting\.window = 8: allowed .* at most 7"):
        grid("inpainting").check(7)
    with pytest.raises(UserError, match=r"params.yaml: inpainting\.holes = 3: allowed .* at most 1"):
        grid("inpainting").check(15)
    grid("denoising").check(1)


def test_an_unknown_task_is_refused_by_name():
    with pytest.raises(UserError, match=r"blurring: .* it has denoising, inpainting"):
        load_grid("blurring", load_params(ROOT / "params.yaml"))


def test_images_and_labels_stand_beside_each_condition(images):
    observed = grid("inpainting").observe(images, LABELS, seed=5)
    assert np.array_equal(observed.images, np.concatenate([images, images]))
    assert observed.labels.tolist() == 2 * LABELS.tolist() and observed.conditions == ["1", "3"]


class Free(Group):
    missing: list[float]


def test_a_condition_hides_pixels_of_all_images_or_of_none(images):
    def observe(images, settings, missing, seed):
        mask = np.ones_like(images[:, :1], dtype=bool)
        mask[: round(missing * len(images)), :, :2] = False
        return masked(images, mask)

    free = Task("missing", Free, conditions=lambda settings: settings.missing, observe=observe, tuning_images=1)
    assert len(Grid("free", free, Free(missing=[0.0, 1.0])).observe(images, None, seed=0).images) == 12
    with pytest.raises(UserError, match=r"params\.yaml: free: missing = 0\.5 hides no pixel of 3 of 6 images: allowed"):
        Grid("free", free, Free(missing=[0.0, 0.5])).observe(images, None, seed=0)


@pytest.mark.parametrize("missing", [[], [0.5, 0.5], [0.5, 0.1]])
def test_a_grid_of_any_task_rises_and_has_a_condition(monkeypatch, missing):
    free = Task(
        condition="missing",
        settings=Free,
        conditions=lambda settings: settings.missing,
        observe=lambda images, settings, missing, seed: noisy(images, missing, seed),
        tuning_images=1,
    )
    monkeypatch.setattr(named, "thing", lambda *_: free)
    params = load_params(ROOT / "params.yaml")
    changed = params.model_copy(update={"grids": {"free": {"missing": missing}}})
    with pytest.raises(UserError, match=r"params\.yaml: free: its grid is"):
        load_grid("free", changed)
