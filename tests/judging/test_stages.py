"""The stages that judge, on tiny pictures in colour, with labels and without."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from stages import classify, judge, label
from stages.images.counts import Header
from stages.images.source import Pool
from stages.images.splits import save_splits, split_places
from stages.judging import embedding, trunk
from stages.pipeline import artifacts
from stages.pipeline.networks import network_writer
from stages.pipeline.params import load_params
from stages.pipeline.storage import array_writer, publish
from stages.priors.networks import Generator
from stages.restoration.observation import clean
from stages.restoration.observed import Observed, observed_writer
from tests.project import ROOT, merged

COUNT, SIDE = 120, 16
CHANGES = {
    "data": {"name": "array", "path": "images.npy", "split": "in_order", "validation": 20, "test": 30},
    "priors": ["minimax"],
    "flows": [],
    "classify": {"epochs": 1, "batch_size": 20},
    "judge": {"samples": 40},
}
MEASURES = ["frechet_distance", "precision", "recall", "density", "coverage"]


@pytest.fixture(autouse=True)
def _study(tmp_path, monkeypatch):
    """params.yaml, the images and a trained prior."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["a stage"])
    Path("params.yaml").write_text(yaml.safe_dump(merged(yaml.safe_load((ROOT / "params.yaml").read_text()), CHANGES)))
    images = np.random.default_rng(0).integers(0, 256, size=(COUNT, SIDE, SIDE, 3), dtype=np.uint8)
    np.save("images.npy", images)
    generator = Generator(latent_dim=4, width=4, channels=3, image_size=SIDE)
    publish(
        {
            artifacts.training("minimax", "generator_1.safetensors"): network_writer(generator),
            artifacts.training("minimax", "samples.npz"): array_writer({"epoch_1": images[:64].transpose(0, 3, 1, 2)}),
            artifacts.SATURATION_GRID / "samples.npz": array_writer(
                {f"minimax-3-adam-true-{seed}": images[:16].transpose(0, 3, 1, 2) for seed in range(2)}
            ),
        }
    )


def prepare(labels: np.ndarray | None) -> None:
    header, data = Header((COUNT, 3, SIDE, SIDE)), load_params().data
    save_splits(header, Pool(Path(data.path), labels), split_places(header, data, 0))


LABELS = (np.arange(COUNT) % 3).astype(np.uint8)


@pytest.mark.parametrize(
    ("labels", "network", "columns"),
    [(LABELS, "classifier", [*MEASURES, "classes_covered", "class_entropy"]), (None, "denoiser", MEASURES)],
    ids=["labels", "no labels"],
)
def test_generators_are_judged_by_the_network_that_the_images_allow(labels, network, columns):
    prepare(labels)
    classify.main()
    judge.main()
    names = {path.name for path in artifacts.CLASSIFIER.iterdir()}
    assert names == {f"{network}.safetensors", "accuracy.json"}
    accuracy = json.loads((artifacts.CLASSIFIER / "accuracy.json").read_text())
    assert accuracy == {} if labels is None else 0 <= accuracy["test_accuracy"] <= 1
    table = pd.read_csv(artifacts.FIDELITY, keep_default_na=False)
    assert table.columns.tolist() == ["prior", "epoch", *columns]
    assert table[["prior", "epoch"]].to_numpy().tolist() == [["none", ""], ["minimax", "1"]]
    floor, drawn = table.frechet_distance
    assert 0 < floor < drawn
    small = pd.read_csv(artifacts.SMALL_FIDELITY)
    assert small.columns.tolist() == ["loss", "discriminator_steps", "optimiser", "batch_norm", "seed", *MEASURES]
    assert small.seed.tolist() == [0, 1]
    assert small.frechet_distance.nunique() == 1  # the same images


def test_the_network_of_an_earlier_study_is_removed():
    for labels, network in ((LABELS, "classifier"), (None, "denoiser"), (LABELS, "classifier")):
        prepare(labels)
        classify.main()
        assert [path.stem for path in artifacts.CLASSIFIER.glob("*.safetensors")] == [network]


def test_images_read_by_the_batch_are_judged_the_same(monkeypatch):
    prepare(None)
    classify.main()
    judge.main()
    at_once = artifacts.FIDELITY.read_bytes()
    for module in (trunk, embedding):
        monkeypatch.setattr(module, "images_at_a_time", lambda size: 7)
    judge.main()
    pd.testing.assert_frame_equal(
        pd.read_csv(artifacts.FIDELITY), pd.read_csv(pd.io.common.BytesIO(at_once)), rtol=1e-3
    )


def test_without_labels_every_task_has_a_file_without_arrays(capsys):
    images = np.random.default_rng(0).random((4, 3, SIDE, SIDE), dtype=np.float32)
    observed = Observed(images, None, clean(images), np.repeat(["train", "test"], 2), "source")
    publish({artifacts.observed(artifacts.INVERSION): observed_writer(observed)})
    label.main()
    assert {path.stem for path in artifacts.LABELS.iterdir()} == {"generated", "inversion", "denoising", "inpainting"}
    for path in artifacts.LABELS.iterdir():
        with np.load(path) as arrays:
            assert arrays.files == []
    assert "the images have no labels" in capsys.readouterr().err
