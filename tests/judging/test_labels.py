"""What a classifier sees, written and read again; the classifier is the number in an image's corner."""

import numpy as np
import pytest

from stages.judging.labels import label_generated, label_task, load_labels
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import array_writer, publish
from stages.restoration.observed import Observed, observed_writer
from stages.restoration.restored import Restored, restored_writer
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


def by_prior(**numbers: tuple[int, int]) -> Restored:
    """Two images by each method, which have codes and a spread where they need them."""
    images = {method: numbered(*own) for method, own in numbers.items()}
    codes = {method: np.zeros((2, 3), dtype=np.float32) for method in images if method != "posterior_mean"}
    if "posterior_mean" not in images:
        return Restored(images, codes)
    spread = dict.fromkeys(("posterior_std", "low_50", "high_50", "low_90", "high_90"), numbered(0, 0))
    spread |= {
        "completions": np.zeros((2, 2, 1, 8, 8), dtype=np.uint8),
        "chain_weights": np.full((2, 2), 0.5, dtype=np.float32),
        "r_hat": np.ones(2, dtype=np.float32),
    }
    return Restored(images, codes, spread)


@pytest.fixture
def denoising() -> Observed:
    """What is seen in a task, whose files are there: two images, of which every restorer makes others."""
    restored = {
        artifacts.restored_by_prior("denoising", "minimax"): by_prior(plain=(2, 1), map=(1, 1), posterior_mean=(1, 2)),
        artifacts.restored_by_prior("denoising", "least_squares"): by_prior(
            plain=(8, 3), map=(5, 6), posterior_mean=(6, 9)
        ),
        artifacts.combined("denoising", "minimax"): Restored({"combined": numbered(4, 4)}),
        artifacts.combined("denoising", "least_squares"): Restored({"combined": numbered(3, 3)}),
        artifacts.combined("denoising", "none"): Restored({"combined": numbered(5, 5)}),
        artifacts.restored_by_rival("denoising", "tv"): Restored({"tv": numbered(7, 8)}),
        artifacts.restored_by_rival("denoising", "bm3d"): Restored({"bm3d": numbered(9, 0)}),
    }
    publish({path: restored_writer(own) for path, own in restored.items()})
    return observe(numbered(1, 2), 0.5, "sigma", y=numbered(3, 4))


def labels_of(task: str, wanted: dict[str, list[str]]) -> dict[str, dict[str, list[int]]]:
    """prior -> method -> labels, as they are read."""
    return {
        prior: {method: seen.tolist() for method, seen in load_labels(task, prior, methods, 2).items()}
        for prior, methods in wanted.items()
    }


def test_labels_of_a_task_come_back_by_prior_and_method(denoising):
    labels = label_task("denoising", denoising, PRIORS, ["tv", "bm3d"], see)
    methods = [f"{prior}/{method}" for prior in PRIORS for method in ("plain", "map", "posterior_mean", "combined")]
    assert sorted(labels) == sorted([*methods, "none/observed", "none/tv", "none/bm3d", "none/combined"])
    publish({artifacts.labels("denoising"): array_writer(labels)})
    wanted = {
        "minimax": ["map", "posterior_mean"],
        "least_squares": ["plain", "map", "posterior_mean", "combined"],
        "none": ["observed", "tv", "bm3d", "combined"],
    }
    assert labels_of("denoising", wanted) == {
        "minimax": {"map": [1, 1], "posterior_mean": [1, 2]},
        "least_squares": {"plain": [8, 3], "map": [5, 6], "posterior_mean": [6, 9], "combined": [3, 3]},
        "none": {"observed": [3, 4], "tv": [7, 8], "bm3d": [9, 0], "combined": [5, 5]},
    }


def test_generated_images_are_labelled_for_each_prior_as_drawn_and_as_found():
    for number, prior in enumerate(PRIORS):
        found = by_prior(plain=(number, 7), map=(number, 8), whitened=(number, 6))
        publish(
            {
                artifacts.generated(prior): observed_writer(observe(numbered(number, 5), "generated")),
                artifacts.restored_by_prior(artifacts.GENERATED, prior): restored_writer(found),
            }
        )
    publish({artifacts.labels(artifacts.GENERATED): array_writer(label_generated(PRIORS, see))})
    wanted = {prior: ["observed", "whitened"] for prior in PRIORS}
    assert labels_of(artifacts.GENERATED, wanted) == {
        "minimax": {"observed": [0, 5], "whitened": [0, 6]},
        "least_squares": {"observed": [1, 5], "whitened": [1, 6]},
    }


def test_a_method_that_nobody_labelled_is_named(denoising):
    labels = label_task("denoising", denoising, ["minimax"], ["tv"], see)
    publish({artifacts.labels("denoising"): array_writer(labels)})
    for prior, methods, words in (
        ("minimax", ["map", "whitened"], "'minimax/whitened'"),
        ("least_squares", ["map"], "'least_squares/map'"),
        ("none", ["observed", "bm3d"], "'none/bm3d'"),
    ):
        with pytest.raises(UserError, match=f"data/labels/denoising.npz: array {words} is missing: run `dvc repro`"):
            load_labels("denoising", prior, methods, 2)


def test_a_missing_file_is_named(denoising):
    with pytest.raises(UserError, match=r"data/labels/inpainting\.npz: no such file"):
        load_labels("inpainting", "minimax", ["map"], 2)
    artifacts.restored_by_rival("denoising", "tv").unlink()
    with pytest.raises(UserError, match=r"data/restored/denoising/rivals/tv\.npz: no such file"):
        label_task("denoising", denoising, PRIORS, ["tv", "bm3d"], see)
    artifacts.restored_by_prior("denoising", "minimax").unlink()
    with pytest.raises(UserError, match=r"data/restored/denoising/minimax\.npz: no such file"):
        label_task("denoising", denoising, PRIORS, ["bm3d"], see)


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
    publish({path: array_writer(labels)})
    with pytest.raises(UserError, match=f"data/labels/denoising.npz: {words}"):
        load_labels("denoising", "minimax", ["map"], 2)
