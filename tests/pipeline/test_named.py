"""Things with a module of their own: what is in the folder can be named, and nothing else."""

import pytest

from stages.pipeline import named
from stages.pipeline.errors import UserError
from stages.priors.gan_loss import GanLoss
from stages.priors.losses import minimax
from stages.restoration.task import Task

FOLDERS = {
    named.LOSSES: ["least_squares", "minimax", "non_saturating"],
    named.TASKS: ["denoising", "inpainting"],
    named.SOURCES: ["mnist"],
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_study_has_what_it_is_about(folder):
    assert set(FOLDERS[folder]) <= set(named.names(folder))


def test_every_folder_has_a_package_and_something_in_it():
    for folder in (named.LOSSES, named.TASKS, named.RIVALS, named.SOURCES, named.FIGURES):
        assert (named.ROOT / folder / "__init__.py").is_file()
        assert named.names(folder)


def test_names_are_those_of_the_modules_sorted(tmp_path, monkeypatch):
    monkeypatch.setattr(named, "ROOT", tmp_path)
    (tmp_path / "things").mkdir()
    for name in ("b.py", "a.py", "c_2.py", "__init__.py", "_helper.py", "notes.txt", "d.pyc"):
        (tmp_path / "things" / name).touch()
    assert named.names("things") == ["a", "b", "c_2"]
    (tmp_path / "things" / "new.py").touch()
    assert named.names("things") == ["a", "b", "c_2", "new"]


def test_a_thing_is_that_of_its_module():
    assert named.module(named.LOSSES, "minimax") is minimax
    assert named.thing(named.LOSSES, "minimax", GanLoss, "LOSS") is minimax.LOSS


@pytest.mark.parametrize("name", ["no_such", "", "__init__", "../networks", "minimax.py", "MINIMAX"])
def test_a_name_without_a_module_is_refused_with_those_that_there_are(name):
    with pytest.raises(UserError) as caught:
        named.module(named.LOSSES, name)
    known = ", ".join(named.names(named.LOSSES))
    assert f"stages/priors/losses has no {name}.py; it has {known}" in str(caught.value)


def test_a_module_with_another_thing_is_refused(monkeypatch):
    with pytest.raises(UserError, match=r"stages/priors/losses/minimax\.py: LOSS must be a Task"):
        named.thing(named.LOSSES, "minimax", Task, "LOSS")
    with pytest.raises(UserError, match=r"stages/priors/losses/minimax\.py: TASK must be a Task"):
        named.thing(named.LOSSES, "minimax", Task, "TASK")
