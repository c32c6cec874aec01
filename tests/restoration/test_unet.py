"""The learned rival: it learns what the tasks hide, knows no more than it is given, and repeats itself."""

import numpy as np
import pytest
import torch

from stages.judging.image_quality import mse
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.networks import network_writer
from stages.pipeline.params import UnetFit, load_params
from stages.pipeline.storage import publish
from stages.restoration.observation import clean, masked, noisy
from stages.restoration.rival import load_rival, restore
from stages.restoration.task import load_grid
from stages.restoration.unet import UNet, estimate_images, initialise_unet, train_unet
from tests.project import ROOT

SETTINGS = UnetFit(steps=500, batch_size=16, learning_rate=0.003, width=16)


def discs(count: int, seed: int = 0) -> np.ndarray:
    """Bright discs (count, 1, 28, 28), float32, each where a stream puts it."""
    stream = np.random.default_rng(seed)
    row, column = np.mgrid[:28, :28]
    centres = 28 * stream.uniform(0.35, 0.65, size=(count, 1, 2, 1, 1))
    return (1 / (1 + np.exp(np.hypot(row - centres[:, :, 0], column - centres[:, :, 1]) - 5))).astype(np.float32)


@pytest.fixture(scope="module")
def grids():
    params = load_params(ROOT / "params.yaml")
    return [load_grid(task, params) for task in params.tasks]


@pytest.fixture(scope="module")
def trained(grids):
    from stages.pipeline.numerics.compute import Compute

    exact = Compute(torch.device("cpu"), bfloat16=False, search_batch=8)
    return train_unet(np.rint(255 * discs(300)).astype(np.uint8), grids, SETTINGS, 0, exact)


def test_one_network_takes_noise_away_and_fills_holes(trained, exact):
    images = discs(8, seed=1)
    seen = noisy(images, 0.5, seed=0)
    assert (mse(images, estimate_images(trained, seen, exact)) < mse(images, seen.y.clip(0, 1)) / 5).all()
    mask = np.ones_like(images, dtype=bool)
    mask[:, :, 8:16, 8:16] = False
    filled = estimate_images(trained, masked(images, mask), exact)
    assert mse(images, filled, ~mask).mean() < mse(images, np.zeros_like(images), ~mask).mean() / 5


def test_what_is_hidden_does_not_matter(trained, exact):
    images = discs(3, seed=2)
    mask = np.random.default_rng(0).random(images.shape) > 0.3
    seen = masked(images, mask)
    junk = type(seen)(np.where(mask, seen.y, np.float32(np.nan)), seen.mask, seen.sigma)
    assert np.array_equal(estimate_images(trained, seen, exact), estimate_images(trained, junk, exact))


def test_training_repeats_itself(trained, grids, exact):
    few = SETTINGS.model_copy(update={"steps": 3})
    images = np.rint(255 * discs(50)).astype(np.uint8)
    first, second = (train_unet(images, grids, few, 0, exact).state_dict() for _ in range(2))
    other = train_unet(images, grids, few, 1, exact).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32), (3, 64)])
def test_an_untrained_network_takes_images_of_any_size(channels, size, exact):
    network = UNet(channels=channels, width=16)
    initialise_unet(network, torch.Generator().manual_seed(0))
    images = np.random.default_rng(0).random((3, channels, size, size), dtype=np.float32)
    found = estimate_images(network, clean(images), exact)
    np.testing.assert_allclose(found, images, atol=1e-6)  # it starts from what it sees


def test_as_a_rival_it_is_read_from_its_file(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rival = load_rival("unet")
    images = np.rint(255 * discs(2)).astype(np.uint8)
    with pytest.raises(UserError, match=r"^data/unet/unet\.safetensors: no such file"):
        rival.fit(images, 10)
    publish({artifacts.UNET: network_writer(trained)})
    network = rival.fit(images, 10)
    observation = noisy(discs(2, seed=3), 0.5, seed=0)
    restored = restore(lambda seen: rival.estimate(network, seen), observation, {})
    assert (mse(discs(2, seed=3), restored) < mse(discs(2, seed=3), observation.y.clip(0, 1)) / 5).all()
