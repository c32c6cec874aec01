"""Every mistake in params.yaml is found before anything runs, and named by key, value and what is allowed."""

from pathlib import Path

import pytest
import yaml

from stages.pipeline.errors import UserError
from stages.pipeline.params import load_params
from tests.project import ROOT, merged

GOOD = yaml.safe_load((ROOT / "params.yaml").read_text())


def load(tmp_path: Path, content: dict | str):
    path = tmp_path / "params.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_params(path)


def test_the_default_is_the_study_asked_for(tmp_path):
    params = load(tmp_path, GOOD)
    assert params.losses == ["minimax", "non_saturating", "least_squares"]
    assert (params.train.latent_dim, params.train.discriminator_steps) == (100, 3)
    assert params.denoise.sigmas == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0]
    assert (params.inpaint.holes, params.inpaint.window) == ([1, 2, 3], 8)


BAD_VALUES = [
    ({"seed": -1}, "seed = -1", "greater than or equal to 0"),
    ({"seed": 1.5}, "seed = 1.5", "integer"),
    ({"seed": True}, "seed = True", "integer"),
    ({"losses": []}, "losses = []", "at least 1"),
    ({"losses": "minimax"}, "losses = 'minimax'", "list"),
    ({"losses": ["hinge"]}, "losses.0 = 'hinge'", "'minimax', 'non_saturating' or 'least_squares'"),
    ({"losses": ["minimax", "minimax"]}, "losses = ", "each value once"),
    ({"prepare": {"validation": 0}}, "prepare.validation = 0", "greater than or equal to 1"),
    ({"train": {"epochs": 0}}, "train.epochs = 0", "greater than or equal to 1"),
    ({"train": {"epochs": 2.5}}, "train.epochs = 2.5", "integer"),
    ({"train": {"epochs": "ten"}}, "train.epochs = 'ten'", "integer"),
    ({"train": {"epochs": None}}, "train.epochs = None", "integer"),
    ({"train": {"batch_size": 1}}, "train.batch_size = 1", "greater than or equal to 2"),
    ({"train": {"discriminator_steps": 0}}, "train.discriminator_steps = 0", "greater than or equal to 1"),
    ({"train": {"learning_rate": 0.0}}, "train.learning_rate = 0.0", "greater than 0"),
    ({"train": {"learning_rate": -0.1}}, "train.learning_rate = -0.1", "greater than 0"),
    ({"train": {"learning_rate": float("nan")}}, "train.learning_rate = nan", "finite"),
    ({"train": {"beta1": 1.0}}, "train.beta1 = 1.0", "less than 1"),
    ({"train": {"beta2": -0.1}}, "train.beta2 = -0.1", "greater than or equal to 0"),
    ({"train": {"latent_dim": 0}}, "train.latent_dim = 0", "greater than or equal to 1"),
    ({"train": {"width": -4}}, "train.width = -4", "greater than or equal to 1"),
    ({"train": {"sample_epochs": [5, 1]}}, "train.sample_epochs = [5, 1]", "rising order"),
    ({"train": {"sample_epochs": [0]}}, "train.sample_epochs.0 = 0", "greater than or equal to 1"),
    ({"train": 3}, "train = 3", "dictionary"),
    ({"judge": {"samples": 5}}, "judge.samples = 5", "greater than or equal to 10"),
    ({"search": {"map": {"restarts": 0}}}, "search.map.restarts = 0", "greater than or equal to 1"),
    ({"search": {"map": {"ramp_down": 1.5}}}, "search.map.ramp_down = 1.5", "less than or equal to 1"),
    ({"search": {"map": {"restarts": 257}}}, "search.map", "restarts = 257: allowed are at most samples = 256"),
    ({"search": {"plain": {"learning_rate": 2.0}}}, "search.plain.learning_rate = 2.0", "less than or equal to 1"),
    ({"search": {"posterior": {"steps": 23}}}, "search.posterior", "steps = 23: allowed are at least burn_in + 4 = 24"),
    ({"search": {"posterior": {"burn_in": -1}}}, "search.posterior.burn_in = -1", "greater than or equal to 0"),
    ({"search": {"posterior": {"temperature": 0.0}}}, "search.posterior.temperature = 0.0", "greater than 0"),
    ({"invert": {"walks": []}}, "invert.walks = []", "at least 1"),
    ({"invert": {"walks": [9, 0]}}, "invert.walks.1 = 0", "greater than or equal to 1"),
    ({"search": {"map": {"whitened_steps": 0}}}, "search.map.whitened_steps = 0", "greater than or equal to 1"),
    ({"images": 0}, "images = 0", "greater than or equal to 1"),
    ({"denoise": {"sigmas": []}}, "denoise.sigmas = []", "at least 1"),
    ({"denoise": {"sigmas": [0.3, 0.3]}}, "denoise.sigmas = [0.3, 0.3]", "each value once"),
    ({"denoise": {"sigmas": [0.0]}}, "denoise.sigmas = [0.0]", "one of them above 0"),
    ({"denoise": {"sigmas": [-0.1]}}, "denoise.sigmas.0 = -0.1", "greater than or equal to 0"),
    ({"denoise": {"sigmas": [float("inf")]}}, "denoise.sigmas.0 = inf", "finite"),
    ({"denoise": {"sigmas": 0.3}}, "denoise.sigmas = 0.3", "list"),
    ({"inpaint": {"holes": [0]}}, "inpaint.holes.0 = 0", "greater than or equal to 1"),
    ({"inpaint": {"holes": [2, 1]}}, "inpaint.holes = [2, 1]", "rising order"),
    ({"inpaint": {"window": 0}}, "inpaint.window = 0", "greater than or equal to 1"),
    ({"norms": {"restarts": 257}}, "norms.restarts = 257", "at most search.map.samples = 256"),
    ({"norms": {"restarts": 0}}, "norms.restarts = 0", "greater than or equal to 1"),
    ({"norms": {"salt_and_pepper": 0.0}}, "norms.salt_and_pepper = 0.0", "greater than 0"),
    ({"norms": {"salt_and_pepper": 1.0}}, "norms.salt_and_pepper = 1.0", "less than 1"),
    ({"solvers": {"adam_steps": [50, 25]}}, "solvers.adam_steps = [50, 25]", "rising order"),
    ({"solvers": {"newton_steps": [0]}}, "solvers.newton_steps.0 = 0", "greater than or equal to 1"),
    ({"solvers": {"restarts": []}}, "solvers.restarts = []", "at least 1"),
    ({"measure": {"bootstrap": 10}}, "measure.bootstrap = 10", "greater than or equal to 100"),
    ({"train": {"epoch": 3}}, "train.epoch is not a parameter", ""),
    ({"trian": {}}, "trian is not a parameter", ""),
]


@pytest.mark.parametrize(("change", "named", "allowed"), BAD_VALUES, ids=[bad[1] for bad in BAD_VALUES])
def test_bad_values_are_named_with_what_is_allowed(tmp_path, change, named, allowed):
    with pytest.raises(UserError) as caught:
        load(tmp_path, merged(GOOD, change))
    message = str(caught.value)
    assert "params.yaml: " in message and named in message and allowed in message
    assert "\n" not in message


BAD_FILES = {
    "": "valid dictionary",
    "- a\n- b\n": "valid dictionary",
    "seed: [": "not YAML",
    "seed: 0\nseed: 1\n": "seed given twice",
    "\tseed: 0\n": "not YAML",
}


@pytest.mark.parametrize("content", BAD_FILES)
def test_bad_files_are_refused_in_one_line(tmp_path, content):
    with pytest.raises(UserError) as caught:
        load(tmp_path, content)
    assert BAD_FILES[content] in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_a_missing_key_and_a_binary_file(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_params(tmp_path / "params.yaml")
    without = {key: value for key, value in GOOD.items() if key != "measure"}
    with pytest.raises(UserError, match="measure is missing"):
        load(tmp_path, without)
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not readable as text"):
        load_params(tmp_path / "params.yaml")


def test_all_mistakes_are_named_at_once(tmp_path):
    with pytest.raises(UserError, match=r"train.epochs = 0.*; .*inpaint.window = 0"):
        load(tmp_path, merged(GOOD, {"train": {"epochs": 0}, "inpaint": {"window": 0}}))


def test_scientific_notation_is_explained(tmp_path):
    text = (ROOT / "params.yaml").read_text().replace("learning_rate: 0.001 # of both Adams", "learning_rate: 2e-4")
    with pytest.raises(UserError, match=r"train.learning_rate = '2e-4'.*write 0.0002"):
        load(tmp_path, text)


TOO_MUCH = [
    ("prepare.validation", 60000, 59999),
    ("train.batch_size", 55001, 55000),
    ("train.discriminator_steps", 860, 859),
    ("judge.samples", 55001, 55000),
    ("images", 5001, 5000),
    ("norms.images", 10001, 10000),
    ("solvers.images", 5001, 5000),
    ("inpaint.window", 29, 28),
]


@pytest.mark.parametrize(("name", "value", "limit"), TOO_MUCH)
def test_what_the_data_does_not_allow(tmp_path, name, value, limit):
    change = value
    for key in reversed(name.split(".")):
        change = {key: change}
    with pytest.raises(UserError, match=f"{name} = {value}: allowed with these images is at most {limit}"):
        load(tmp_path, merged(GOOD, change))


@pytest.mark.parametrize(
    "change",
    [
        {"search": {"map": {"restarts": 256, "samples": 256}}},
        {"search": {"posterior": {"steps": 34, "burn_in": 30}}},
        {"norms": {"images": 10000}},
    ],
)
def test_what_is_just_allowed(tmp_path, change):
    assert load(tmp_path, merged(GOOD, change)) != load(tmp_path, GOOD)


def test_more_windows_than_fit(tmp_path):
    with pytest.raises(UserError, match=r"inpaint.holes = 10: allowed with these images is at most 9"):
        load(tmp_path, merged(GOOD, {"inpaint": {"holes": [1, 10]}}))
