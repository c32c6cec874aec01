"""A person's own picture restored, as a user runs it."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from stages import restore
from stages.pipeline.errors import UserError
from stages.pipeline.networks import network_writer
from stages.pipeline.storage import json_writer, publish
from stages.priors.networks import Generator, recompute_batch_norm
from tests.project import TINY, Project


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Project:
    """A project with one tiny generator, and a few pictures at its root."""
    folder = tmp_path_factory.mktemp("restore") / "project"
    folder.mkdir()
    project = Project(folder, TINY)
    generator = Generator(latent_dim=8, width=4, channels=1, image_size=28)
    recompute_batch_norm(generator, torch.randn(512, 8, generator=torch.Generator().manual_seed(0)))
    weights, misfit = network_writer(generator), json_writer({"slope": 0.05, "fitted_slope": 0.02})
    publish(
        {
            folder / "data/priors/non_saturating/generator.safetensors": weights,
            folder / "data/misfit/non_saturating.json": misfit,
            folder / "data/priors/minimax/generator.safetensors": weights,  # but no misfit
            folder / "data/misfit/least_squares.json": misfit,  # but no generator
        }
    )

    paper = np.full((60, 60, 3), 255, dtype=np.uint8)
    paper[20:50, 25:35] = 0
    mask = np.full((60, 60), 255, dtype=np.uint8)
    mask[15:30, 15:30] = 0
    pictures = {"photo": paper, "mask": mask, "nothing": mask * 0, "small": mask[:30], "plain": mask[::3, ::3]}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    (folder / "text.png").write_text("not a picture")
    return project


def test_a_picture_is_restored(trained):
    arguments = ("photo.png", "--mask", "mask.png", "--sigma", "0.1", "--invert")
    result = trained.stage("restore", *arguments)
    assert result.returncode == 0, result.stderr
    folder = trained.folder / "restored" / "photo"
    arrays = np.load(folder / "result.npz")
    for name in ("observed", "mask", "map", "posterior_mean", "posterior_std"):
        assert arrays[name].shape == (1, 1, 28, 28)
    assert arrays["map_codes"].shape == (1, 8) and arrays["sigma"] == np.float32(0.1)
    assert arrays["completions"].shape == (1, 2, 1, 28, 28) and arrays["chain_weights"].shape == (1, 2)
    assert not arrays["mask"][0, 0, 7:14, 7:14].any() and arrays["mask"].sum() == 28 * 28 - 7 * 7

    # Pictures are as dark as the file that was given, arrays as the generator sees them.
    shown = np.asarray(Image.open(folder / "restored.png"), dtype=np.float64) / 255
    np.testing.assert_allclose(1 - shown, arrays["posterior_mean"][0, 0].clip(0, 1), atol=1 / 255)
    observed = np.asarray(Image.open(folder / "observed.png"))
    assert observed[0, 0] == 255 and observed[20, 14] == 0 and observed[10, 10] == round(0.4 * 255)
    uncertainty = np.asarray(Image.open(folder / "uncertainty.png")) / 255
    np.testing.assert_allclose(uncertainty, (arrays["posterior_std"][0, 0] / 0.5).clip(0, 1), atol=1 / 255)
    assert Image.open(folder / "overview.png").size == (5 * 232, 232)  # observed, restored, uncertainty, two chains

    spread = arrays["posterior_std"][~arrays["mask"]]
    for words in (
        "restore: photo.png: 60x60 RGB -> 28x28 grey: each pixel the average of 2.14x2.14; turned to its negative",
        "restore: mask.png: 94% is white, which is known",
        "restore: sigma = 0.1 is taken as the noise after this change of size",
        "restore: restored/photo: wrote observed.png, restored.png, uncertainty.png, overview.png, result.npz; "
        f"standard deviation of missing pixels: {spread.mean():.2f} on average, {spread.max():.2f} at most",
    ):
        assert words in result.stderr
    assert ("the chains of samples differ" in result.stderr) == (arrays["r_hat"][0] > 3)


@pytest.fixture
def call(trained, monkeypatch):
    """Run the stage in this process, which is faster."""
    monkeypatch.chdir(trained.folder)

    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["python -m stages restore", *arguments])
        restore.main()

    return run


def test_a_second_run_replaces_the_first_with_the_same_bytes(trained, call):
    files = []
    for sigma in ("0.2", "0.5", "0.2"):
        call("plain.png", "--sigma", sigma, "--output", "here")
        files.append({path.name: path.read_bytes() for path in (trained.folder / "here").iterdir()})
    assert files[0] == files[2] and files[0]["result.npz"] != files[1]["result.npz"]


def test_nothing_to_restore_is_said(trained, call, capsys):
    call("plain.png", "--output", "same")
    assert "nothing is noisy (--sigma) or missing (--mask)" in capsys.readouterr().err
    arrays = np.load(trained.folder / "same" / "result.npz")
    np.testing.assert_allclose(arrays["posterior_mean"], arrays["observed"], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "command line: the following arguments are required: picture"),
        (["photo.png", "--sigma", "much"], "argument --sigma: invalid number value: 'much'"),
        (["photo.png", "--sigma=-0.1"], "argument --sigma: -0.1: allowed are 0 to 10"),
        (["photo.png", "--sigma", "nan"], "argument --sigma: nan: allowed are 0 to 10"),
        (["photo.png", "--sigma", "11"], "argument --sigma: 11: allowed are 0 to 10"),
        (["photo.png", "--prior", "hinge"], "argument --prior: invalid choice: 'hinge' (choose from 'minimax', 'non_s"),
        (
            ["photo.png", "--prior", "least_squares"],
            "data/priors/least_squares/generator.safetensors: no such file; `dvc",
        ),
        (["photo.png", "--prior", "minimax"], "data/misfit/minimax.json: no such file; `dvc repro` makes it"),
        (["other.png"], "other.png: no such file"),
        (["data"], "data: not readable as a picture: Is a directory"),
        (["text.png"], "text.png: not a picture; formats that are read: PNG"),
        (["photo.png", "--mask", "other.png"], "other.png: no such file"),
        (["photo.png", "--mask", "text.png"], "text.png: not a picture"),
        (["photo.png", "--mask", "small.png"], "small.png: 60x30 pixels: allowed is the picture's own size, 60x60"),
        (["photo.png", "--mask", "nothing.png"], "nothing.png: nothing is known"),
        (["photo.png", "--output", "text.png"], "text.png/observed.png: cannot be written"),
    ],
)
def test_mistakes_are_named_before_anything_is_searched(trained, call, monkeypatch, arguments, words):
    monkeypatch.setattr(restore, "restore", lambda *_: pytest.fail("searched"))
    with pytest.raises(UserError) as raised:
        call(*arguments)
    assert str(raised.value).startswith(words) or words in str(raised.value)
    assert not (trained.folder / "restored" / "other").exists()


def test_a_mistake_is_one_line_and_status_1(trained):
    result = trained.stage("restore", "other.png")
    assert (result.returncode, result.stderr) == (1, "error: other.png: no such file\n")
