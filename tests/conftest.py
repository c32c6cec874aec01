"""What tests share: tiny networks, tiny parameters, and a copy of the project in a temporary folder."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from stages.gan.networks import Generator, initialise, recompute_batch_norm
from stages.pipeline.compute import Compute
from stages.pipeline.params import Search
from tests.project import TINY, Project


@pytest.fixture
def exact() -> Compute:
    """The CPU in float32: no rounding but the last bits."""
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
def search_settings() -> Search:
    """Search parameters for a tiny generator."""
    return Search(
        plain={"learning_rate": 0.1, "steps": 300},
        map={"learning_rate": 0.1, "restarts": 2, "explore_steps": 20, "steps": 100, "ramp_down": 0.3},
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
