"""What tests share: tiny networks, tiny parameters, and a copy of the project in a temporary folder."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import MapSearch, PlainSearch, Posterior, Search
from stages.priors.misfit import Misfit
from stages.priors.networks import Generator, initialise, recompute_batch_norm
from stages.restoration.latent.prior import LatentPrior
from stages.restoration.latent.search import LatentSearch
from tests.project import TINY, Project

torch.set_num_threads(1)  # two tests run at a time

SLOWEST = [  # run the whole pipeline, or stages; the longest first
    "test_pipeline.py",
    "test_experiments.py",
    "test_image_sets.py",
    "test_checkpoint.py",
    "test_additions.py",
    "test_restore.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest files first, so that no worker still has one of them to run when the other is done."""
    place = {name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(SLOWEST)))


@pytest.fixture
def exact() -> Compute:
    """The CPU in float32, so that results agree to float32's precision."""
    return Compute(torch.device("cpu"), bfloat16=False, search_batch=8)


@pytest.fixture
def tiny_generator() -> Generator:
    """A frozen, untrained generator with large weights, so that its images differ visibly from code to code."""
    generator = Generator(latent_dim=4, width=8, channels=1, image_size=28)
    stream = torch.Generator().manual_seed(1)
    initialise(generator, stream)
    recompute_batch_norm(generator, torch.randn(512, 4, generator=stream), batch_size=128)
    with torch.no_grad():
        generator.layers[-1].weight *= 10
    return generator.requires_grad_(False)


@pytest.fixture
def prior(tiny_generator) -> LatentPrior:
    """The tiny generator as restoration knows it."""
    return LatentPrior(tiny_generator, latent_dim=4, misfit=Misfit(slope=0.002))


@pytest.fixture
def search(prior, search_settings, exact) -> LatentSearch:
    """A search of the tiny generator's codes."""
    return LatentSearch(prior, search_settings, seed=0, compute=exact)


@pytest.fixture
def images(prior, exact) -> np.ndarray:
    """Six images that the tiny generator draws."""
    codes = np.random.default_rng(3).standard_normal((6, 4), dtype=np.float32)
    return prior.draw(codes, exact)


@pytest.fixture
def half(images) -> np.ndarray:
    """A mask that hides the right half of each image."""
    mask = np.ones_like(images[:, :1], dtype=bool)
    mask[:, :, :, 14:] = False
    return mask


@pytest.fixture
def search_settings() -> Search:
    """Search parameters for a tiny generator."""
    return Search(
        plain=PlainSearch(learning_rate=0.1, steps=100),
        map=MapSearch(
            samples=16,
            restarts=3,
            explore_steps=20,
            whitened_steps=20,
            steps=40,
            learning_rate=0.1,
            ramp_down=0.3,
        ),
        posterior=Posterior(steps=30, burn_in=10, temperature=64.0),
    )


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder with one file, `old`, in which this process may not write; the superuser becomes nobody meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "old").write_text("old")
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """The project with tiny parameters, not run yet."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    folder.mkdir()
    return Project(folder, TINY)


@pytest.fixture(scope="session")
def ran(project) -> Project:
    """The tiny pipeline, run once and committed, its outputs handed over to DVC."""
    project.run_and_commit()
    return project
