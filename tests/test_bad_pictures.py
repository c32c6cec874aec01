"""Pictures, names and folders that `restore` refuses: in one plain line, before it imports torch, and unharmed."""

import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.pipeline import artifacts, command
from stages.pipeline.storage import json_writer, publish, weight_writer
from tests.project import ROOT

DIGIT = np.zeros((28, 28), dtype=np.uint8)
DIGIT[4:24, 12:16] = 255
LARGE = np.pad(DIGIT.repeat(6, axis=0).repeat(6, axis=1), ((0, 0), (20, 60)))  # (168, 248)
SAVED = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "webp": "WEBP", "ppm": "PPM"}
FILES = ["good.png", "mask.png", "kept/observed.png", "kept/notes.txt"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A project as far as `restore` reads it before it searches; a search there ends the test."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    weights = weight_writer({"w": np.zeros(1, dtype=np.float32)}, {"channels": 1, "image_size": 28, "latent_dim": 2})
    files = {artifacts.generator(prior): weights for prior in ("vae", "glo", "minimax")}
    files |= {artifacts.flow("vae"): weights}  # but not glo's
    files |= {artifacts.misfit(prior): json_writer({}) for prior in ("vae", "glo")}  # but not minimax's
    publish(files)
    save(LARGE, "good.png")
    save(np.full_like(LARGE, 255), "mask.png")
    Path("kept").mkdir()
    save(DIGIT, "kept/observed.png")
    Path("kept/notes.txt").write_text("mine")
    monkeypatch.setitem(sys.modules, "torch", None)  # to import it is an error from now on
    return tmp_path


def save(pixels: np.ndarray, name: str, **options) -> None:
    Image.fromarray(pixels).save(name, **options)


@pytest.fixture
def refused(folder, capsys, monkeypatch) -> Callable[..., str]:
    """Run the command, which ends with status 1 and one plain line, having changed nothing; give the line."""

    def run(*arguments: str) -> str:
        before = contents()
        monkeypatch.setattr(sys, "argv", ["stages", "restore", *arguments])
        with pytest.raises(SystemExit) as ended:
            command.run_stage()
        assert ended.value.code == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.isprintable() and line.startswith("error: ")
        assert contents() == before
        return line

    return run


def test_weights_of_another_network_are_no_generator(refused):
    path = artifacts.generator("glo")
    publish({path: weight_writer({"w": np.zeros(1, dtype=np.float32)}, {"latent_dim": 2})})
    assert f"{path}: not a Generator: its arguments are {{'latent_dim': 2}}" in refused("good.png", "--prior", "glo")


def contents() -> dict[str, bytes | None]:
    paths = [os.path.join(folder, name) for folder, inner, names in os.walk(".") for name in [*inner, *names]]
    return {path: Path(path).read_bytes() if os.path.isfile(path) else None for path in paths}


@pytest.mark.parametrize("suffix", SAVED)
@pytest.mark.parametrize("kept", [0, 3, 30, 0.6])
def test_files_that_are_cut_short(refused, suffix, kept):
    save(np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8), "cut", format=SAVED[suffix])
    whole = Path("cut").read_bytes()
    Path("cut").write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    line = refused("cut")
    assert "cut: not a picture" in line or "cut: not readable as a picture" in line
    assert "cut: not " in refused("good.png", "--mask", "cut")


def floats(*values: float) -> Callable[[], None]:
    """A float TIFF of a digit with these values somewhere."""

    def make() -> None:
        pixels = (DIGIT / 255).astype(np.float32)
        pixels[0, : len(values)] = values
        save(pixels, "bad")

    return make


def saved(pixels: np.ndarray | Image.Image, suffix: str = "png") -> Callable[[], None]:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    return lambda: image.save("bad", format=SAVED[suffix])


def listening() -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("bad")


STREAM = np.random.default_rng(0)
KINDS: dict[str, tuple[Callable[[], object], str]] = {
    "nothing": (lambda: None, "bad: no such file"),
    "text": (lambda: Path("bad").write_text("not a picture"), "bad: not a picture; formats that are read: PNG"),
    "program": (
        lambda: Path("bad").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        "bad: not a picture",
    ),
    "folder": (lambda: Path("bad").mkdir(), "bad: not a file"),
    "pipe": (lambda: os.mkfifo("bad"), "bad: not a file"),
    "socket": (listening, "bad: not a file"),
    "link to a device": (lambda: os.symlink("/dev/zero", "bad"), "bad: not a file"),
    "link to a pipe": (lambda: (os.mkfifo("fifo"), os.symlink("fifo", "bad")), "bad: not a file"),
    "link to nothing": (lambda: os.symlink("nowhere", "bad"), "bad: no such file"),
    "link to itself": (lambda: os.symlink("bad", "bad"), "bad: not readable as a picture"),
    "float NaN": (saved(np.full((28, 28), np.nan, dtype=np.float32), "tif"), "bad: has values that are not finite"),
    "float infinity": (
        saved(np.full((28, 28), np.inf, dtype=np.float32), "tif"),
        "bad: has values that are not finite",
    ),
    "float 1e30": (saved(np.full((28, 28), 1e30, dtype=np.float32), "tif"), "bad: float values from 1e+30 to 1e+30"),
    "float 255": (
        saved(DIGIT.astype(np.float32), "tif"),
        "bad: float values from 0 to 255: allowed with sigma 0 are -0.5",
    ),
    "float -9": (saved(DIGIT / np.float32(-28), "tif"), "bad: float values from -9.10714 to"),
    "32 bits": (saved(Image.new("I", (28, 28)), "tif"), "bad: 32-bit whole numbers"),
    "Lab": (saved(Image.new("LAB", (28, 28)), "tif"), "bad: LAB colours"),
    "empty paper": (saved(np.full((100, 100), 200, dtype=np.uint8)), "bad: nothing is drawn on it"),
    "black": (saved(np.zeros((60, 90), dtype=np.uint8)), "bad: nothing is drawn on it"),
    "transparent": (saved(np.zeros((60, 90, 4), dtype=np.uint8)), "bad: nothing is drawn on it"),
    "faint": (saved((LARGE // 16 + 100).astype(np.uint8)), "bad: nothing is drawn on it: ink and paper differ by 0.06"),
    "noise": (saved(STREAM.integers(0, 256, (200, 200), dtype=np.uint8)), "bad: what is drawn falls into"),
    "many digits": (saved(np.tile(LARGE, (3, 3))), "bad: what is drawn falls into 9 pieces"),
    "blot": (saved(np.pad(np.full((99, 99), 255, dtype=np.uint8), 50)), "bad: 51% of its frame is ink"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_the_wrong_kind(refused, kind):
    make, words = KINDS[kind]
    make()
    assert words in refused("bad")


def test_a_picture_that_is_too_large(refused, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for pixels in (1200, 2500):  # from twice the number on Pillow raises another error
        save(np.zeros((1, pixels), dtype=np.uint8), "vast.png")
        assert "vast.png: allowed are at most 1000 pixels" in refused("vast.png")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: picture"),
        ([""], "not a file"),
        (["/dev/null"], "/dev/null: not a file"),
        (["/dev/zero"], "/dev/zero: not a file"),
        (["missing/../good.png"], "no such file"),
        (["x" * 300], "not readable as a picture: File name too long"),
        (["no\nsuch\x1b[2J\u202e\udcff\x07"], r"no\nsuch\x1b[2J\u202e\udcff\x07: no such file"),
        (["good.png", "--none\x1b[2J"], r"unrecognized arguments: --none\x1b[2J"),
        (["good.png", "--mask", "missing.png"], "missing.png: no such file"),
        (["good.png", "--mask", "kept"], "kept: not a file"),
        (["good.png", "--mask", "/dev/zero"], "/dev/zero: not a file"),
        (["good.png", "--mask", "kept/notes.txt"], "kept/notes.txt: not a picture"),
        (["good.png", "--mask", "kept/observed.png"], "28x28 pixels: allowed is the picture's own size, 248x168"),
        (["good.png", "--mask", "good.png"], "nothing is drawn on it"),
        (["good.png", "--mask", "black.png"], "black.png: nothing is known"),
        (["good.png", "--mask", "dots.png"], "dots.png: nothing is known"),
        (["line.png", "--as-is"], "line.png: nothing is known: no pixel of 28x28 lies wholly in what is known"),
        (["good.png", "--sigma", "much"], "argument --sigma: invalid number value: 'much'"),
        (["good.png", "--sigma=-0.1"], "argument --sigma: -0.1: allowed are 0 to 10"),
        (["good.png", "--sigma", "nan"], "argument --sigma: nan: allowed are 0 to 10"),
        (["good.png", "--sigma", "11"], "argument --sigma: 11: allowed are 0 to 10"),
        (["good.png", "--ink", "red"], "argument --ink: invalid choice: 'red' (choose from 'light', 'dark')"),
        (["good.png", "--prior", "no_such_loss"], "argument --prior: invalid choice: 'no_such_loss'"),
        (["good.png", "--prior", "least_squares"], "least_squares.safetensors: no such file; `dvc repro`"),
        (["good.png", "--prior", "minimax"], "data/misfit/minimax.json: no such file; `dvc repro` makes it"),
        (["good.png", "--prior", "glo-flow"], "glo-flow.safetensors: no such file; `dvc repro` makes it"),
        (["good.png", "--output", ""], "it exists already: allowed is a new folder"),
        (["good.png", "--output", "."], "it exists already: allowed is a new folder"),
        (["good.png", "--output", ".."], "it exists already"),
        (["good.png", "--output", "kept"], "kept: it exists already"),
        (["kept/observed.png", "--output", "kept"], "kept: it exists already"),
        (["good.png", "--output", "kept/"], "kept: it exists already"),
        (["good.png", "--output", "good.png"], "good.png: it exists already"),
        (["good.png", "--output", "good.png/new"], "cannot be made"),
        (["good.png", "--output", "dangling"], "dangling: it exists already"),
        (["good.png", "--output", "/dev/null"], "/dev/null: it exists already"),
        (["good.png", "--output", "/dev/null/new"], "cannot be made"),
        (["good.png", "--output", "/proc/new"], "/proc/new: cannot be made"),
        (["good.png", "--output", "x" * 300], "cannot be made: File name too long"),
    ],
)
def test_bad_names_and_values(refused, arguments, words):
    save(np.zeros_like(LARGE), "black.png")
    dots = np.zeros_like(LARGE)
    dots[::5, ::5] = 255
    save(dots, "dots.png")
    save(np.zeros((1, 300), dtype=np.uint8), "line.png")
    os.symlink("nowhere", "dangling")
    assert words in refused(*arguments)
