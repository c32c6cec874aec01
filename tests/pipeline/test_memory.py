"""A study too large for the machine is refused before it takes any memory, by the keys that make it so."""

import os

import pytest
import torch
import yaml

from stages.pipeline import memory
from stages.pipeline.errors import UserError
from stages.pipeline.memory import check_memory, estimate
from stages.pipeline.numerics.compute import Compute, choose_compute
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.params import Params, load_params
from stages.restoration.latent.curvature import jacobian_batch
from tests.project import ROOT, merged

MNIST = (1, 28)  # channels, size
CONDITIONS = 9


@pytest.fixture
def changed(tmp_path):
    def load(changes: dict) -> Params:
        content = merged(yaml.safe_load((ROOT / "params.yaml").read_text()), changes)
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        return load_params(tmp_path / "params.yaml")

    return load


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with so many bytes of memory."""

    def of(size: int) -> None:
        known = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": size // 4096}
        monkeypatch.setattr(os, "sysconf", known.__getitem__)
        monkeypatch.setattr(memory, "CONTAINER", tmp_path / "memory.max")

    return of


def test_the_default_study_takes_between_one_and_three_gigabytes(changed, machine):
    assert 1e9 < estimate(changed({}), *MNIST, CONDITIONS) < 3e9
    machine(16_000_000_000)
    assert check_memory(changed({}), *MNIST, CONDITIONS).endswith(" GB of this machine's 16 GB")


LARGER = [
    {"train": {"width": 640}},
    {"train": {"latent_dim": 1000}},
    {"train": {"batch_size": 20000}},
    {"images": 5000},
    {"glow": {"width": 6400}},
]


@pytest.mark.parametrize("changes", LARGER, ids=str)
def test_a_larger_study_takes_more(changed, changes):
    assert estimate(changed(changes), *MNIST, CONDITIONS) > 1.2 * estimate(changed({}), *MNIST, CONDITIONS)


def test_larger_images_take_more(changed):
    least = estimate(changed({}), *MNIST, CONDITIONS)
    for channels, size in [(3, 64), (1, 112)]:
        assert estimate(changed({}), channels, size, CONDITIONS) > 1.2 * least


HUGE = [
    {"train": {"width": 10**6}},
    {"train": {"width": 10**9}},
    {"train": {"latent_dim": 10**6}},
    {"train": {"latent_dim": 10**9}},
    {"train": {"width": 10**9, "latent_dim": 10**8}},
    {"train": {"batch_size": 10**9}},
    {"images": 10**9},
]


@pytest.mark.parametrize("changes", HUGE, ids=str)
def test_a_study_that_no_machine_can_hold_is_refused_by_its_keys(changed, machine, changes):
    machine(1 << 40)
    with pytest.raises(UserError) as caught:
        check_memory(changed(changes), *MNIST, CONDITIONS)
    message = str(caught.value)
    assert message.startswith("params.yaml: ") and "\n" not in message
    assert "allowed is what this machine has, 1.1e+03 GB" in message
    for key in ("train.width", "train.latent_dim", "train.batch_size", "images"):
        assert f"{key} = " in message
    for value in changes.get("train", changes).values():
        assert f" = {value}" in message


def test_what_just_fits_is_allowed(changed, machine):
    needed = estimate(changed({}), *MNIST, CONDITIONS)
    machine(int(needed) + 4096)
    check_memory(changed({}), *MNIST, CONDITIONS)
    machine(int(needed) - 4096)
    with pytest.raises(UserError, match="the study would take about"):
        check_memory(changed({}), *MNIST, CONDITIONS)


@pytest.mark.parametrize(("limit", "allowed"), [("1000000000", "1 GB"), ("max", None)])
def test_a_container_may_have_less_memory_than_the_machine(changed, machine, tmp_path, limit, allowed):
    machine(16_000_000_000)
    (tmp_path / "memory.max").write_text(limit)
    if allowed is None:
        assert check_memory(changed({}), *MNIST, CONDITIONS).endswith(" GB of this machine's 16 GB")
    else:
        with pytest.raises(UserError, match=f"allowed is what this machine has, {allowed}"):
            check_memory(changed({}), *MNIST, CONDITIONS)


def test_the_batches_of_the_estimate_are_those_of_the_computation():
    """They stand twice, since the check of parameters does not load torch."""
    compute = Compute(torch.device("cpu"), bfloat16=False, search_batch=memory.SEARCH_BATCH)
    assert torch.accelerator.is_available() or choose_compute().search_batch == memory.SEARCH_BATCH
    assert jacobian_batch(compute) == memory.SEARCH_BATCH // memory.JACOBIANS
    assert compute.for_images(64).search_batch == images_at_a_time(64, memory.SEARCH_BATCH) == 98
