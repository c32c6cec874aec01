"""Every mistake in params.yaml is found before anything runs, and named by key, value and what is allowed."""

from pathlib import Path

import pytest
import yaml

from stages.pipeline import named
from stages.pipeline.errors import UserError
from stages.pipeline.params import Params, load_params
from stages.restoration.task import load_grid
from tests.project import ROOT, merged

GOOD = yaml.safe_load((ROOT / "params.yaml").read_text())


def load(tmp_path: Path, content: dict | str) -> Params:
    """All parameters, the grids of tasks too, as the first stage checks them."""
    path = tmp_path / "params.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    params = load_params(path)
    for task in params.tasks:
        load_grid(task, params)
    return params


def test_the_default_is_the_study_asked_for(tmp_path):
    params = load(tmp_path, GOOD)
    assert params.priors == ["minimax", "non_saturating", "least_squares", "vae", "glo"]
    assert params.searched[:3] == ["minimax", "non_saturating", "non_saturating-flow"]
    assert params.usual_prior == "non_saturating"
    assert (params.train.latent_dim, params.train.discriminator_steps) == (100, 3)
    assert params.tasks == list(params.rivals) == ["denoising", "inpainting"]
    denoising, inpainting = (load_grid(task, params) for task in params.tasks)
    assert denoising.conditions == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0]
    assert (inpainting.conditions, inpainting.settings.window) == ([1, 2, 3], 8)


@pytest.mark.parametrize("name", ["none", "flow", "noise"])
def test_a_loss_cannot_have_a_name_that_means_something_in_tables(tmp_path, monkeypatch, name):
    monkeypatch.setattr(named, "names", lambda _: [name, *GOOD["priors"], "mnist", *GOOD["tasks"]])
    with pytest.raises(UserError, match=f"priors.0 = '{name}'.*the name is taken"):
        load(tmp_path, GOOD | {"priors": [name]})


BAD_VALUES = [
    ({"seed": -1}, "seed = -1", "greater than or equal to 0"),
    ({"seed": 1.5}, "seed = 1.5", "integer"),
    ({"seed": True}, "seed = True", "integer"),
    ({"seed": 1 << 63}, "seed = 9223372036854775808", "less than 9223372036854775808"),
    (
        {"data": {"name": "cifar"}},
        "data.name = 'cifar'",
        f"{', '.join(named.names(named.SOURCES))} (the modules of stages/images/sources)",
    ),
    ({"data": {"name": "../mnist"}}, "data.name = '../mnist'", "allowed are array, "),
    ({"data": {"name": "__init__"}}, "data.name = '__init__'", "allowed are array, "),
    ({"data": {"validation": 0}}, "data.validation = 0", "greater than or equal to 1"),
    ({"data": {"images": 3}}, "data.images is not a parameter", ""),
    ({"priors": []}, "priors = []", "at least 1"),
    ({"priors": "minimax"}, "priors = 'minimax'", "list"),
    (
        {"priors": ["no_such_loss"]},
        "priors.0 = 'no_such_loss'",
        f"allowed are {', '.join(named.names(named.LOSSES))} (the modules of",
    ),
    ({"priors": ["minimax", "minimax"]}, "priors = ", "each value once"),
    ({"priors": ["minimax"]}, "flows = 'non_saturating'", "allowed are minimax (priors)"),
    ({"tasks": []}, "tasks = []", "at least 1"),
    (
        {"tasks": ["denoising", "deblurring"]},
        "tasks.1 = 'deblurring'",
        f"allowed are {', '.join(named.names(named.TASKS))} (the modules",
    ),
    ({"tasks": ["denoising", "denoising"]}, "tasks = ", "each value once"),
    ({"rivals": {"denoising": ["no_such"]}}, "rivals.denoising.0 = 'no_such'", "allowed are biharmonic, bm3d, "),
    ({"rivals": {"denoising": ["tv", "tv"]}}, "rivals.denoising = ['tv', 'tv']", "each value once"),
    ({"rivals": {"denoising": "tv"}}, "rivals.denoising = 'tv'", "list"),
    ({"rivals": {"deblurring": []}}, "'deblurring'", "allowed are denoising, inpainting"),
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
    ({"train": {"width": 10**10}}, "train.width = 10000000000", "less than or equal to 1000000000"),
    ({"norms": {"sigmas": [1e-50]}}, "norms.sigmas.0 = 1e-50", "0 or at least 0.001"),
    ({"denoising": [1]}, "denoising = [1]", "allowed is a group of keys"),
    ({"train": {"sample_epochs": [5, 1]}}, "train.sample_epochs = [5, 1]", "rising order"),
    ({"train": {"sample_epochs": [0]}}, "train.sample_epochs.0 = 0", "greater than or equal to 1"),
    ({"train": 3}, "train = 3", "dictionary"),
    ({"judge": {"samples": 5}}, "judge.samples = 5", "greater than or equal to 10"),
    ({"search": {"map": {"restarts": 0}}}, "search.map.restarts = 0", "greater than or equal to 1"),
    ({"search": {"map": {"ramp_down": 1.5}}}, "search.map.ramp_down = 1.5", "less than or equal to 1"),
    ({"search": {"map": {"restarts": 1025}}}, "search.map", "restarts = 1025: allowed are at most samples = 1024"),
    ({"search": {"plain": {"learning_rate": 2.0}}}, "search.plain.learning_rate = 2.0", "less than or equal to 1"),
    ({"search": {"posterior": {"steps": 23}}}, "search.posterior", "steps = 23: allowed are at least burn_in + 4 = 24"),
    ({"search": {"posterior": {"burn_in": -1}}}, "search.posterior.burn_in = -1", "greater than or equal to 0"),
    ({"search": {"posterior": {"temperature": 0.0}}}, "search.posterior.temperature = 0.0", "greater than 0"),
    ({"invert": {"walks": []}}, "invert.walks = []", "at least 1"),
    ({"invert": {"walks": [9, 0]}}, "invert.walks.1 = 0", "greater than or equal to 1"),
    ({"search": {"map": {"whitened_steps": 0}}}, "search.map.whitened_steps = 0", "greater than or equal to 1"),
    ({"images": 0}, "images = 0", "greater than or equal to 2"),
    ({"images": 1}, "images = 1", "greater than or equal to 2"),
    ({"denoising": {"sigmas": []}}, "denoising.sigmas = []", "at least 1"),
    ({"denoising": {"sigmas": [0.3, 0.3]}}, "denoising.sigmas = [0.3, 0.3]", "each value once"),
    ({"denoising": {"sigmas": [0.0]}}, "denoising.sigmas = [0.0]", "one of them above 0"),
    ({"denoising": {"sigmas": [-0.1]}}, "denoising.sigmas.0 = -0.1", "greater than or equal to 0"),
    ({"denoising": {"sigmas": [float("inf")]}}, "denoising.sigmas.0 = inf", "finite"),
    ({"denoising": {"sigmas": 0.3}}, "denoising.sigmas = 0.3", "list"),
    ({"inpainting": {"holes": [0]}}, "inpainting.holes.0 = 0", "greater than or equal to 1"),
    ({"inpainting": {"holes": [2, 1]}}, "inpainting.holes = [2, 1]", "rising order"),
    ({"inpainting": {"window": 0}}, "inpainting.window = 0", "greater than or equal to 1"),
    ({"inpainting": {"sigmas": [0.1]}}, "inpainting.sigmas is not a parameter", ""),
    ({"denoising": {"sigmas": [11.0]}}, "denoising.sigmas.0 = 11.0", "less than or equal to 10"),
    ({"glow": {"batch_size": 1}}, "glow.batch_size = 1", "greater than or equal to 2"),
    ({"density": {"images": 1}}, "density.images = 1", "greater than or equal to 2"),
    ({"density": {"codes": 0}}, "density.codes = 0", "greater than or equal to 1"),
    ({"norms": {"images": 0}}, "norms.images = 0", "greater than or equal to 1"),
    ({"norms": {"sigmas": []}}, "norms.sigmas = []", "at least 1"),
    ({"norms": {"sigmas": [0.3, 0.1]}}, "norms.sigmas = [0.3, 0.1]", "rising order"),
    ({"norms": {"sigmas": [-0.1]}}, "norms.sigmas.0 = -0.1", "greater than or equal to 0"),
    ({"norms": {"holes": [2, 1]}}, "norms.holes = [2, 1]", "rising order"),
    ({"norms": {"holes": [0]}}, "norms.holes.0 = 0", "greater than or equal to 1"),
    ({"norms": {"window": 0}}, "norms.window = 0", "greater than or equal to 1"),
    ({"norms": {"restarts": 1025}}, "norms.restarts = 1025", "at most search.map.samples = 1024"),
    ({"norms": {"restarts": 0}}, "norms.restarts = 0", "greater than or equal to 1"),
    ({"norms": {"salt_and_pepper": 0.0}}, "norms.salt_and_pepper = 0.0", "greater than 0"),
    ({"norms": {"salt_and_pepper": 1.0}}, "norms.salt_and_pepper = 1.0", "less than 1"),
    ({"likelihood": {"images": 1}}, "likelihood.images = 1", "greater than or equal to 2"),
    ({"likelihood": {"temperatures": 1}}, "likelihood.temperatures = 1", "greater than or equal to 2"),
    ({"solvers": {"adam_steps": [50, 25]}}, "solvers.adam_steps = [50, 25]", "rising order"),
    ({"solvers": {"newton_steps": [0]}}, "solvers.newton_steps.0 = 0", "greater than or equal to 1"),
    ({"solvers": {"restarts": []}}, "solvers.restarts = []", "at least 1"),
    ({"modes": {"discriminator_steps": 1}}, "modes.discriminator_steps = 1", "greater than or equal to 2"),
    ({"modes": {"generator_steps": 1}}, "modes.generator_steps = 1", "greater than or equal to 2"),
    ({"modes": {"seeds": 0}}, "modes.seeds = 0", "greater than or equal to 1"),
    ({"modes": {"components": 1}}, "modes.components = 1", "greater than or equal to 2"),
    ({"saturate": {"at": [5, 2]}}, "saturate.at = [5, 2]", "rising order"),
    ({"saturate": {"codes": 1}}, "saturate.codes = 1", "greater than or equal to 2"),
    ({"saturate_grid": {"optimisers": ["lion"]}}, "saturate_grid.optimisers.0 = 'lion'", "'adam' or 'sgd'"),
    ({"saturate_grid": {"batch_norm": ["yes"]}}, "saturate_grid.batch_norm.0 = 'yes'", "boolean"),
    ({"saturate_grid": {"samples": 5}}, "saturate_grid.samples = 5", "greater than or equal to 16"),
    ({"saturated": {"last": 1.5}}, "saturated.last = 1.5", "less than or equal to 1"),
    ({"measure": {"bootstrap": 10}}, "measure.bootstrap = 10", "greater than or equal to 100"),
    ({"train": {"epoch": 3}}, "train.epoch is not a parameter", ""),
    ({"trian": {}}, "trian is not a parameter", ""),
    ({"deblurring": {"width": 3}}, "deblurring is not a parameter", ""),
    ({"grids": {}}, "grids is not a parameter", ""),
]


@pytest.mark.parametrize(("change", "named", "allowed"), BAD_VALUES, ids=[bad[1] for bad in BAD_VALUES])
def test_bad_values_are_named_with_what_is_allowed(tmp_path, change, named, allowed):
    with pytest.raises(UserError) as caught:
        load(tmp_path, merged(GOOD, change))
    message = str(caught.value)
    assert "params.yaml: " in message and named in message and allowed in message
    assert "\n" not in message


def test_a_rival_has_no_name_of_a_prior(tmp_path, monkeypatch):
    names = named.names
    monkeypatch.setattr(
        named, "names", lambda folder: [*names(folder), "unet"] if folder == named.LOSSES else names(folder)
    )
    with pytest.raises(UserError, match=r"params\.yaml: rivals = 'unet': allowed is no name of a prior, since tables"):
        load(tmp_path, merged(GOOD, {"priors": ["non_saturating", "unet"], "flows": []}))


def test_a_key_given_twice_is_named_with_its_file(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("seed: 0\nseed: 1\n")
    with pytest.raises(UserError, match=r"other\.yaml: seed given twice near line 1"):
        load_params(path)


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


@pytest.mark.parametrize("task", ["denoising", "inpainting"])
def test_a_task_without_its_grid(tmp_path, task):
    without = {key: value for key, value in GOOD.items() if key != task}
    with pytest.raises(UserError, match=rf"params\.yaml: {task} is missing: the grid of this task"):
        load(tmp_path, without)
    others = [other for other in GOOD["tasks"] if other != task]
    assert load(tmp_path, without | {"tasks": others}).tasks == others


def test_all_mistakes_are_named_at_once(tmp_path):
    with pytest.raises(UserError, match=r"train.epochs = 0.*; .*norms.window = 0"):
        load(tmp_path, merged(GOOD, {"train": {"epochs": 0}, "norms": {"window": 0}}))
    with pytest.raises(UserError, match=r"inpainting.holes.0 = 0.*; .*inpainting.window = 0"):
        load(tmp_path, merged(GOOD, {"inpainting": {"holes": [0], "window": 0}}))


def test_scientific_notation_is_explained(tmp_path):
    text = (ROOT / "params.yaml").read_text().replace("learning_rate: 0.001 # of both Adams", "learning_rate: 2e-4")
    with pytest.raises(UserError, match=r"train.learning_rate = '2e-4'.*write 0.0002"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    "change",
    [
        {"search": {"map": {"restarts": 1024, "samples": 1024}}},
        {"search": {"posterior": {"steps": 34, "burn_in": 30}}},
        {"norms": {"images": 10000}},
        {"norms": {"holes": []}},
        {"norms": {"sigmas": [0.0, 10.0]}},
        {"seed": (1 << 63) - 1},
        {"images": 2},
        {"priors": ["least_squares"], "flows": []},
        {"tasks": ["inpainting"]},
        {"rivals": {"denoising": []}},
    ],
)
def test_what_is_just_allowed(tmp_path, change):
    assert load(tmp_path, merged(GOOD, change)) != load(tmp_path, GOOD)


def test_the_usual_prior_is_one_of_those_asked_for(tmp_path):
    assert load(
        tmp_path, GOOD | {"flows": [], "priors": ["least_squares", "non_saturating", "minimax"]}
    ).usual_prior == ("non_saturating")
    assert load(tmp_path, GOOD | {"flows": [], "priors": ["least_squares", "minimax"]}).usual_prior == "minimax"
