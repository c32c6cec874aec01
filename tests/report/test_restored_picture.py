"""What a person gets of a picture of their own, in grey and in colour."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.report.restored_picture import publish_restored
from stages.restoration.observation import clean
from stages.restoration.restored import Restored


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_pictures_have_the_colours_of_what_was_observed_and_uncertainty_is_grey(tmp_path, channels, mode):
    stream = np.random.default_rng(0)
    mean = stream.random((1, channels, 32, 32), dtype=np.float32)
    completions = stream.integers(0, 256, size=(1, 2, channels, 32, 32), dtype=np.uint8)
    std = np.full_like(mean, 0.25)
    spread = {"posterior_std": std, "completions": completions, "r_hat": np.ones(1, dtype=np.float32)}
    restored = Restored({"posterior_mean": mean}, spread=spread)
    notes = publish_restored(tmp_path, mean[0], clean(mean), restored, inverted=False)
    assert len(notes) == 1 and "standard deviation of all pixels: 0.25 on average, 0.25 at most" in notes[0]
    modes = {path.name: Image.open(path).mode for path in Path(tmp_path).glob("*.png")}
    assert modes == {"restored.png": mode, "uncertainty.png": "L", "overview.png": mode}
    assert set(np.asarray(Image.open(tmp_path / "uncertainty.png")).ravel()) == {128}
    tiles = np.asarray(Image.open(tmp_path / "overview.png"))
    assert tiles.shape[1] == 5 * tiles.shape[0]  # observed, restored, uncertainty, two chains
    third = tiles[:, 2 * tiles.shape[0] : 3 * tiles.shape[0]]
    assert (third[20:-20, 20:-20] == 128).all()
    with np.load(tmp_path / "result.npz") as arrays:
        assert arrays["posterior_std"].shape == std.shape
