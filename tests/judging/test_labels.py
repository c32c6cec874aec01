"""What a classifier sees, written and read again; the classifier is the number in an image's corner."""

import numpy as np
import pytest

from stages.judging.labels import label_generated, label_task, load_labels, save_labels
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import array_writer, publish
from stages.restoration.observed import save_observed
from stages.restoration.restored import Restored, save_restored
from tests.observations import observe

PRIORS = ["minimax", "least_squares"]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def numbered(*numbers: int) -> np.ndarray:
    """An image for each number, which stands in its corner."""
    images = np.zeros((len(numbers), 1, 8, 8), dtype=np.float32)
    images[:, 0, 0, 0] = np.float32(numbers) / 10
    return images


def see(images: np.ndarray) -> np.ndarray:
    return (images[:, 0, 0, 0] * 10).round().astype(np.uint8)


@pytest.fixture
def denoising() -> None:
    """The files of a task: two images, of which every restorer makes others."""
    save_observed({artifacts.observed("denoising"): observe(numbered(1, 2), 0.5, "sigma", y=numbered(3, 4))})
    restored = {
        artifacts.restored_by_prior("denoising", "minimax"): Restored(
            {"map": numbered(1, 1), "posterior_mean": numbered(1, 2)}
        ),
        artifacts.restored_by_prior("denoising", "least_squares"): Restored({"map": numbered(5, 6)}),
        artifacts.restored_by_rival("denoising", "tv"): Restored({"tv": numbered(7, 8)}),
        artifacts.restored_by_rival("denoising", "bm3d"): Restored({"bm3d": numbered(9, 0)}),
    }
    save_restored(restored)


def test_labels_of_a_task_come_back_by_prior_and_method(denoising):
    save_labels({"denoising": label_task("denoising", PRIORS, ["tv", "bm3d"], see)})
    wanted = {"minimax": ["map", "posterior_mean"], "least_squares": ["map"], "none": ["observed", "tv", "bm3d"]}
    labels = load_labels("denoising", wanted, 2)
    assert {prior: {method: seen.tolist() for method, seen in own.items()} for prior, own in labels.items()} == {
        "minimax": {"map": [1, 1], "posterior_mean": [1, 2]},
        "least_squares": {"map": [5, 6]},
        "none": {"observed": [3, 4], "tv": [7, 8], "bm3d": [9, 0]},
    }


def test_generated_images_are_labelled_for_each_prior_as_drawn_and_as_found(denoising):
    for number, prior in enumerate(PRIORS):
        save_observed({artifacts.generated(prior): observe(numbered(number, 5), "generated")})
        path = artifacts.restored_by_prior(artifacts.GENERATED, prior)
        save_restored({path: Restored({"whitened": numbered(number, 6)})})
    save_labels({artifacts.GENERATED: label_generated(PRIORS, see)})
    labels = load_labels(artifacts.GENERATED, {prior: ["observed", "whitened"] for prior in PRIORS}, 2)
    assert [[seen.tolist() for seen in own.values()] for own in labels.values()] == [
        [[0, 5], [0, 6]],
        [[1, 5], [1, 6]],
    ]


def test_a_method_that_nobody_labelled_is_named(denoising):
    save_labels({"denoising": label_task("denoising", ["minimax"], ["tv"], see)})
    for wanted, words in (
        ({"minimax": ["map", "plain"]}, "'minimax/plain'"),
        ({"least_squares": ["map"]}, "'least_squares/map'"),
        ({"none": ["observed", "bm3d"]}, "'none/bm3d'"),
    ):
        with pytest.raises(UserError, match=f"data/labels/denoising.npz: array {words} is missing: run `dvc repro`"):
            load_labels("denoising", wanted, 2)


def test_a_missing_file_is_named(denoising):
    with pytest.raises(UserError, match=r"data/labels/inpainting\.npz: no such file"):
        load_labels("inpainting", {"minimax": ["map"]}, 2)
    artifacts.restored_by_rival("denoising", "tv").unlink()
    with pytest.raises(UserError, match=r"data/restored/denoising/rivals/tv\.npz: no such file"):
        label_task("denoising", PRIORS, ["tv", "bm3d"], see)
    artifacts.restored_by_prior("denoising", "minimax").unlink()
    with pytest.raises(UserError, match=r"data/restored/denoising/minimax\.npz: no such file"):
        label_task("denoising", PRIORS, ["bm3d"], see)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"map": np.uint8([1, 2])}, "array 'map' does not belong in it"),
        ({"minimax/map": np.float32([1, 2])}, "array 'minimax/map' is float32 with 1 axes: allowed is uint8 with 1"),
        ({"minimax/map": np.uint8([1, 200])}, "array 'minimax/map' has values from 1 to 200: allowed is"),
        ({"minimax/map": np.uint8([1, 2, 3])}, r"array 'minimax/map' has shape \(3,\): allowed is \(2\)"),
    ],
)
def test_what_are_no_labels_of_these_images_is_refused(labels, words):
    path = artifacts.labels("denoising")
    publish({path: array_writer(path, labels)})
    with pytest.raises(UserError, match=f"data/labels/denoising.npz: {words}"):
        load_labels("denoising", {"minimax": ["map"]}, 2)
