"""What the images do not allow is found by the first stage, before anything else runs."""

import sys

import pytest
import yaml

from stages import check
from stages.images.counts import Header, check_counts
from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from tests.project import ROOT, merged


@pytest.fixture
def run_check(tmp_path, monkeypatch):
    """The stage `check`, with a changed params.yaml, in a folder of its own."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raw").symlink_to(ROOT / "data" / "raw")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["python -m stages check"])

    def run(changes: dict) -> None:
        content = merged(yaml.safe_load((ROOT / "params.yaml").read_text()), changes)
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        check.main()

    return run


def nested(name: str, value: object) -> dict:
    """{"a": {"b": value}} for "a.b"."""
    for key in reversed(name.split(".")):
        value = {key: value}
    return value


TOO_MUCH = [
    ("data.validation", 60000, 59999),
    ("train.batch_size", 55001, 55000),
    ("train.discriminator_steps", 860, 859),
    ("judge.samples", 55001, 55000),
    ("images", 5001, 5000),
    ("density.images", 10001, 10000),
    ("likelihood.images", 10001, 10000),
    ("likelihood.validation", 5001, 5000),
    ("norms.images", 10001, 10000),
    ("solvers.images", 5001, 5000),
    ("inpainting.window", 29, 28),
    ("norms.window", 29, 28),
]


@pytest.mark.parametrize(("name", "value", "limit"), TOO_MUCH, ids=[name for name, _, _ in TOO_MUCH])
def test_what_the_images_do_not_allow(run_check, tmp_path, name, value, limit):
    with pytest.raises(
        UserError, match=rf"params\.yaml: {name} = {value}: allowed with these images is at most {limit}$"
    ):
        run_check(nested(name, value))
    assert not (tmp_path / "data" / "checked.json").exists()


def test_all_that_the_images_do_not_allow_is_told_at_once(run_check):
    words = (
        "judge.samples = 55001: allowed with these images is at most 55000; "
        "images = 5001: allowed with these images is at most 5000"
    )
    with pytest.raises(UserError, match=rf"^params\.yaml: {words}$"):
        run_check({"judge": {"samples": 55001}, "images": 5001})


@pytest.mark.parametrize("key", ["inpainting", "norms"])
def test_more_windows_than_fit(run_check, key):
    with pytest.raises(
        UserError, match=rf"{key}\.holes = 10: allowed with these images and {key}\.window = 8 is at most 9"
    ):
        run_check({key: {"holes": [1, 10]}})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train": {"discriminator_steps": 859}},
        {"judge": {"samples": 55000}},
        {"norms": {"images": 10000}},
        {"solvers": {"images": 5000}},
        {"inpainting": {"holes": [9]}},
        {"inpainting": {"holes": [1], "window": 28}},
        {"norms": {"holes": [], "window": 28}},
    ],
    ids=str,
)
def test_what_is_just_allowed(run_check, tmp_path, changes):
    run_check(changes)
    assert (tmp_path / "data" / "checked.json").exists()


def test_what_is_checked_leaves_the_same_bytes(run_check, tmp_path):
    """Or all that comes after would run anew for any parameter."""
    run_check({})
    before = (tmp_path / "data" / "checked.json").read_bytes()
    run_check({"seed": 1, "images": 32})
    assert (tmp_path / "data" / "checked.json").read_bytes() == before


def test_the_limits_are_those_of_the_images_at_hand():
    params = load_params(ROOT / "params.yaml")
    assert check_counts(params, Header((16000, 1, 28, 28), own_test=1000)) == (10000, 5000, 1000)
    wrong = [(14999, 1000, "judge.samples"), (15000, 999, "density.images"), (5000, 1000, "data.validation")]
    for training, test, name in wrong:
        with pytest.raises(UserError, match=f"{name} = "):
            check_counts(params, Header((training + test, 1, 28, 28), own_test=test))
