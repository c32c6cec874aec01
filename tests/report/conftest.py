"""Small studies on the disk: all that the stages leave, made up, and the tables that `measure` makes of it."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import yaml

from stages import measure
from stages.pipeline.params import load_params
from stages.report.study import Study
from tests.project import ROOT, merged
from tests.report.made_up import DIGITS, PICTURES, Made, write_study


def _written(made: Made, folder: Path) -> Path:
    """The folder of a study that was measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["measure"])
        text = yaml.safe_dump(merged(yaml.safe_load((ROOT / "params.yaml").read_text()), made.changes))
        Path("params.yaml").write_text(text)
        write_study(load_params(), made)
        measure.main()
    return folder


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory) -> Path:
    return _written(DIGITS, tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="session")
def pictures_folder(tmp_path_factory) -> Path:
    return _written(PICTURES, tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session", params=["digits", "pictures"])
def folder(request) -> Path:
    """Of either study, one after the other."""
    found: Path = request.getfixturevalue(f"{request.param}_folder")
    return found


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Callable[[Path], Study]:
    """A study in a copy of its folder that a test may change."""

    def make(folder: Path) -> Study:
        monkeypatch.chdir(shutil.copytree(folder, tmp_path / "study"))
        return Study(load_params())

    return make


@pytest.fixture
def study(copy, digits_folder) -> Study:
    """Of labelled digits, by two priors and some rivals."""
    return copy(digits_folder)


@pytest.fixture
def pictures(copy, pictures_folder) -> Study:
    """Of pictures in colour without labels, few of them, by one prior and no rivals."""
    return copy(pictures_folder)


@pytest.fixture
def either(copy, folder) -> Study:
    """Either of them, one after the other."""
    return copy(folder)


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")
