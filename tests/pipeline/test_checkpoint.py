"""Checkpoints: one process at a time, nothing lost, and a real kill in the middle."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from stages.pipeline.checkpoint import Checkpoint, locked_checkpoint, run_key
from stages.pipeline.errors import UserError
from tests.project import TINY, Project, merged

LONG = merged(TINY, {"train": {"epochs": 8, "sample_epochs": []}})
TRAIN = ("train", "--prior", "minimax")
SCRIPT = (sys.executable, "-m", "stages", *TRAIN)
EXPERIMENT = ("-S", "train.learning_rate=0.0003", "-S", "priors=[minimax]", "-S", "flows=[]", "train@minimax")
GOES_ON = "train: minimax goes on after epoch"


def test_what_is_saved_comes_back(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.load() is None
    tensors, history = {"a": torch.arange(3), "b": torch.tensor(0.1)}, [{"epoch": 1, "d_loss": 0.1 + 0.2}]
    checkpoint.save(tensors, history)
    loaded, rows = checkpoint.load()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())
    assert rows == history


@pytest.mark.parametrize("content", [b"", b"hello", None])
def test_an_unreadable_checkpoint_is_named_and_left_alone(tmp_path, content):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save({"a": torch.arange(100)}, [])
    content = checkpoint.path.read_bytes()[:-50] if content is None else content
    checkpoint.path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"checkpoint\.safetensors: not a readable checkpoint.*delete it to start afresh"
    ):
        checkpoint.load()
    assert checkpoint.path.read_bytes() == content


def test_a_second_process_is_told_to_wait(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with locked_checkpoint("train-minimax", "key"):
        with (
            pytest.raises(UserError, match="another process runs train-minimax"),
            locked_checkpoint("train-minimax", "key"),
        ):
            pass
        with locked_checkpoint("train-minimax", "another key"):
            pass
    with locked_checkpoint("train-minimax", "key"):
        pass


def test_a_run_that_starts_afresh_beside_an_unfinished_one_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with locked_checkpoint("train-minimax", "key") as checkpoint:
        checkpoint.save({"a": torch.arange(3)}, [])
    with locked_checkpoint("train-minimax", "key"), locked_checkpoint("train-least_squares", "another key"):
        pass
    assert capsys.readouterr().err == ""
    with locked_checkpoint("train-minimax", "another key"):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"train-minimax: starts afresh: what is unfinished in {tmp_path / '.work' / 'train-minimax'}"
    )


def test_a_run_that_has_ended_well_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with locked_checkpoint("train-minimax", "key") as checkpoint:
        checkpoint.save({"a": torch.arange(3)}, [])
        checkpoint.clear()
        assert checkpoint.load() is None
    with locked_checkpoint("train-minimax", "another key"):
        pass
    assert capsys.readouterr().err == ""


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / ".work").write_text("a file in the way")
    with pytest.raises(UserError, match=r"\.work.*cannot be written"), locked_checkpoint("train-minimax", "key"):
        pass


def test_a_read_only_folder_is_named(read_only_folder, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(read_only_folder))
    with pytest.raises(UserError, match=r"cannot be written: Permission denied"), locked_checkpoint("train", "key"):
        pass
    with pytest.raises(UserError, match=r"checkpoint\.safetensors: cannot be written: "):
        Checkpoint(read_only_folder).save({"a": torch.arange(3)}, [])


def test_the_key_depends_on_settings_and_bytes(tmp_path):
    (tmp_path / "a").write_text("1")
    first = run_key({"rate": 0.1}, [tmp_path / "a"])
    assert run_key({"rate": 0.1}, [tmp_path / "a"]) == first
    assert run_key({"rate": 0.2}, [tmp_path / "a"]) != first
    (tmp_path / "a").write_text("2")
    assert run_key({"rate": 0.1}, [tmp_path / "a"]) != first


@pytest.fixture(scope="module")
def long_project(tmp_path_factory) -> Project:
    """A project whose training takes long enough to be killed, with its images prepared."""
    folder = tmp_path_factory.mktemp("long") / "project"
    folder.mkdir()
    project = Project(folder, LONG)
    assert project.call("git", "init", "-q").returncode == 0
    project.commit("start")
    project.dvc("repro", "prepare")
    project.commit("images")
    return project


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def kill_after_a_checkpoint(project: Project, *command: str) -> None:
    """Start a command in a process group of its own and kill all of it once a first checkpoint is there."""
    shutil.rmtree(project.folder / ".work", ignore_errors=True)
    process = subprocess.Popen(
        command, cwd=project.folder, env=project.cold_environment, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list(project.folder.glob(".work/train-minimax/*/checkpoint.safetensors")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_stage_goes_on_and_ends_in_the_same_bytes(long_project):
    outputs = long_project.folder / "data" / "training" / "minimax"
    assert long_project.stage(*TRAIN).returncode == 0
    unbroken = files(outputs)
    assert not list(long_project.folder.glob(".work/train-minimax/*/"))

    kill_after_a_checkpoint(long_project, *SCRIPT)
    result = long_project.stage(*TRAIN)
    assert result.returncode == 0, result.stderr
    assert GOES_ON in result.stderr
    assert files(outputs) == unbroken


def trained(project: Project, experiment: str) -> list[str]:
    """The hashes of what an experiment's training left, as DVC noted them."""
    names = project.call("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout.split()
    (reference,) = (name for name in names if name.endswith(f"/{experiment}"))
    lock = yaml.safe_load(project.call("git", "show", f"{reference}:dvc.lock").stdout)
    return [out["md5"] for out in lock["stages"]["train@minimax"]["outs"]]


@pytest.fixture(scope="module")
def unbroken_experiment(long_project) -> list[str]:
    output = long_project.dvc("exp", "run", "--temp", "-n", "unbroken", *EXPERIMENT)
    assert GOES_ON not in output
    shutil.rmtree(long_project.folder / ".dvc" / "cache" / "runs")  # or the next one would only take its result
    return trained(long_project, "unbroken")


def test_a_killed_experiment_goes_on_in_the_next_one(long_project, unbroken_experiment):
    """Its folder is gone, but checkpoints lie in the project that it was started from."""
    command = (sys.executable, "-m", "dvc", "exp", "run", "--temp", "-n", "killed", *EXPERIMENT)
    kill_after_a_checkpoint(long_project, *command)
    result = long_project.call(*command)
    assert result.returncode == 0, result.stderr
    assert GOES_ON in result.stderr + result.stdout
    assert trained(long_project, "killed") == unbroken_experiment
    shutil.rmtree(long_project.folder / ".dvc" / "cache" / "runs")


def test_an_experiment_killed_in_the_queue_goes_on_when_queued_again(long_project, unbroken_experiment):
    """Everything that runs for the project is killed at once, the queue's worker too, as a power cut would."""

    def start_queue(name: str) -> None:
        long_project.dvc("exp", "run", "--queue", "-n", name, *EXPERIMENT)
        start = [sys.executable, "-m", "dvc", "queue", "start"]  # whose worker keeps the output open, so it gets none
        environment, folder = long_project.cold_environment, long_project.folder
        subprocess.run(start, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=60)

    shutil.rmtree(long_project.folder / ".work", ignore_errors=True)
    start_queue("cut")
    wait_for(lambda: list(long_project.folder.glob(".work/train-minimax/*/checkpoint.safetensors")))
    mark = f"DVC_SITE_CACHE_DIR={long_project.environment['DVC_SITE_CACHE_DIR']}".encode()
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and mark in environment_of(process):
            os.kill(int(process.name), signal.SIGKILL)

    start_queue("again")
    wait_for(lambda: "Success" in long_project.dvc("queue", "status"))
    assert GOES_ON in long_project.dvc("queue", "logs", "again")
    assert trained(long_project, "again") == unbroken_experiment


def environment_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_other_parameters_start_afresh_and_say_so(long_project):
    kill_after_a_checkpoint(long_project, *SCRIPT)
    long_project.set_params({"train": {"learning_rate": 0.002}})
    result = long_project.stage(*TRAIN)
    long_project.set_params({"train": {"learning_rate": 0.001}})
    assert result.returncode == 0 and "goes on" not in result.stderr
    assert "train-minimax: starts afresh: what is unfinished in " in result.stderr


def test_a_full_disk_is_named_and_leaves_the_last_checkpoint(long_project):
    """A limit on the size of files makes the system itself refuse the write."""
    kill_after_a_checkpoint(long_project, *SCRIPT)
    (path,) = long_project.folder.glob(".work/train-minimax/*/checkpoint.safetensors")
    before = path.read_bytes()
    result = subprocess.run(
        SCRIPT,
        cwd=long_project.folder,
        env=long_project.environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    assert result.returncode == 1
    assert "checkpoint.safetensors: cannot be written: " in result.stderr and "Traceback" not in result.stderr
    assert path.read_bytes() == before
    assert long_project.stage(*TRAIN).returncode == 0
