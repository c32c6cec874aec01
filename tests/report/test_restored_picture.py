"""What a person gets of a picture of their own, in grey and in colour."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.report.restored_picture import overview, publish_result
from stages.restoration.observation import clean
from stages.restoration.restored import Restored


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_pictures_have_the_colours_of_what_was_observed_and_uncertainty_is_grey(tmp_path, channels, mode):
    stream = np.random.default_rng(0)
    mean = stream.random((1, channels, 32, 32), dtype=np.float32)
    completions = stream.integers(0, 256, size=(1, 2, channels, 32, 32), dtype=np.uint8)
    std = np.full_like(mean, 0.25)
    weights = np.full((1, 2), 0.5, dtype=np.float32)
    spread = {"posterior_std": std, "completions": completions, "r_hat": np.ones(1, dtype=np.float32)}
    restored = Restored({"posterior_mean": mean}, spread=spread | {"chain_weights": weights})
    notes = publish_result(tmp_path, clean(mean), restored, dark=False)
    assert len(notes) == 2 and "nothing is noisy (--sigma) or missing (--mask)" in notes[0]
    assert (
        notes[1].startswith(f"{tmp_path}/overview.png") and "of all pixels: 0.25 on average, 0.25 at most" in notes[1]
    )
    modes = {path.name: Image.open(path).mode for path in Path(tmp_path).glob("*.png")}
    assert modes == {"observed.png": mode, "restored.png": mode, "uncertainty.png": "L", "overview.png": "RGB"}
    assert set(np.asarray(Image.open(tmp_path / "uncertainty.png")).ravel()) == {128}
    with np.load(tmp_path / "result.npz") as arrays:
        assert arrays["posterior_std"].shape == std.shape


def test_the_overview_says_what_each_picture_is():
    shown = {name: np.full((1, 4, 4), level) for level, name in enumerate(("observed", "restored", "uncertainty"))}
    figure = overview(shown, [(0.75, np.zeros((1, 4, 4))), (0.25, np.ones((1, 4, 4)))])
    titles = [axes.get_title().replace("\n", ": ") for axes in figure.axes]
    assert titles == [
        "observed: ",
        "restored: posterior mean",
        "uncertainty: white: 0.5 or more",
        "chain 1: weight 75%",
        "chain 2: weight 25%",
    ]
    assert [axes.images[0].get_array().mean() for axes in figure.axes] == [0, 1, 2, 0, 1]
