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
from stages.report.restored_picture import CHAINS_DIFFER
from stages.restoration import one_picture
from tests.drawn import is_drawn
from tests.project import TINY, Project


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Project:
    """A project with one tiny generator, and a few pictures at its root."""
    folder = tmp_path_factory.mktemp("restore") / "project"
    folder.mkdir()
    digits = {"name": "mnist", "path": "data/raw"}  # whose pictures are drawings
    project = Project(folder, TINY | {"flows": [], "data": digits})  # without flows non_saturating is the usual prior
    generator = Generator(latent_dim=8, width=4, channels=1, image_size=28)
    recompute_batch_norm(generator, torch.randn(512, 8, generator=torch.Generator().manual_seed(0)))
    weights, misfit = network_writer(generator), json_writer({"slope": 0.05, "fitted_slope": 0.02})
    publish(
        {
            folder / "data/priors/non_saturating.safetensors": weights,
            folder / "data/misfit/non_saturating.json": misfit,
        }
    )

    paper = np.full((60, 60, 3), 255, dtype=np.uint8)
    paper[10:50, 25:35] = 0
    mask = np.full((60, 60), 255, dtype=np.uint8)
    mask[15:30, 15:30] = 0
    own = np.zeros((28, 28), dtype=np.uint8)
    own[4:24, 12:16] = 255
    for name, pixels in {"photo": paper, "mask": mask, "own": own}.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return project


def test_a_picture_is_restored(trained):
    result = trained.stage("restore", "photo.png", "--mask", "mask.png", "--sigma", "0.1")
    assert result.returncode == 0, result.stderr
    folder = trained.folder / "restored" / "photo"
    arrays = np.load(folder / "result.npz")
    for name in ("observed", "mask", "map", "posterior_mean", "posterior_std", "low_90", "high_90"):
        assert arrays[name].shape == (1, 1, 28, 28)
    assert "plain" not in arrays and arrays["map_codes"].shape == (1, 8)
    np.testing.assert_allclose(arrays["sigma"], 0.1 * 28 / 60, rtol=0.3)
    assert arrays["completions"].shape == (1, 2, 1, 28, 28) and arrays["chain_weights"].shape == (1, 2)
    assert not arrays["mask"][0, 0, 7:14, 7:14].any() and arrays["mask"].sum() == 28 * 28 - 7 * 7

    # Pictures are as dark as the file that was given, arrays as the generator sees them.
    shown = np.asarray(Image.open(folder / "restored.png"), dtype=np.float64) / 255
    np.testing.assert_allclose(1 - shown, arrays["posterior_mean"][0, 0].clip(0, 1), atol=1 / 255)
    observed = np.asarray(Image.open(folder / "observed.png"))
    assert observed[0, 0] == 255 and observed[20, 14] == 0 and observed[10, 10] == round(0.4 * 255)
    uncertainty = np.asarray(Image.open(folder / "uncertainty.png")) / 255
    np.testing.assert_allclose(uncertainty, (arrays["posterior_std"][0, 0] / 0.5).clip(0, 1), atol=1 / 255)
    assert is_drawn(folder / "overview.png")

    spread = arrays["posterior_std"][~arrays["mask"]]
    lines = result.stderr.splitlines()
    assert lines[:3] == [
        "restore: photo.png: 60x60 RGB -> 28x28 grey: dark ink on light paper; each pixel the average of 2.14x2.14",
        "restore: mask.png: 94% is white, which is known",
        f"restore: sigma 0.1 of the file, independent from pixel to pixel, is {arrays['sigma'][0]:.2g} after this",
    ]
    assert lines[-1] == (
        "restore: restored/photo/overview.png, and the same singly and as numbers; standard deviation of missing "
        f"pixels: {spread.mean():.2f} on average, {spread.max():.2f} at most"
    )
    assert len(lines) == 4 + (arrays["r_hat"][0] > CHAINS_DIFFER)  # nothing else, progress included


@pytest.fixture
def call(trained, monkeypatch):
    """Run the stage in this process, which is faster."""
    monkeypatch.chdir(trained.folder)

    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["python -m stages restore", *arguments])
        restore.main()

    return run


def test_a_second_run_writes_the_same_bytes_beside_the_first(trained, call):
    for sigma in ("0.2", "0.5", "0.2"):
        call("own.png", "--sigma", sigma)
    folders = [trained.folder / "restored" / name for name in ("own", "own-2", "own-3")]
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert files[0] == files[2] and files[0]["result.npz"] != files[1]["result.npz"]


def test_nothing_to_restore_is_said(trained, call, capsys):
    call("own.png", "--output", "new/same")
    assert "nothing is noisy (--sigma) or missing (--mask)" in capsys.readouterr().err
    arrays = np.load(trained.folder / "new" / "same" / "result.npz")
    np.testing.assert_allclose(arrays["posterior_mean"], arrays["observed"], atol=1e-6)


def test_a_search_that_fails_leaves_no_folder(trained, call, monkeypatch):
    def fail(*_):
        raise UserError("too small")

    monkeypatch.setattr(one_picture, "restore_one", fail)
    with pytest.raises(UserError, match="too small"):
        call("own.png", "--output", "failed")
    assert not (trained.folder / "failed").exists()
