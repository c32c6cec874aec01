"""Images -> features by the network that fits them, with predicted labels where there are classes."""

import numpy as np
import pytest
import torch

from stages.judging import embedding as module
from stages.judging import trunk
from stages.judging.autoencoder import Denoiser
from stages.judging.classifier import Classifier
from stages.judging.embedding import CLASSIFIER_FILE, DENOISER_FILE, Embedding, load_embedding
from stages.judging.trunk import batches
from stages.pipeline.errors import UserError
from stages.pipeline.networks import network_writer
from stages.pipeline.storage import publish

CLASSIFIER = Classifier(channels=1, image_size=28, classes=10).requires_grad_(False).eval()
DENOISER = Denoiser(channels=1, image_size=28).requires_grad_(False).eval()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """With a network of either kind."""
    monkeypatch.setattr(module, "CLASSIFIER", tmp_path)
    publish(
        {tmp_path / CLASSIFIER_FILE: network_writer(CLASSIFIER), tmp_path / DENOISER_FILE: network_writer(DENOISER)}
    )
    return tmp_path


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(7, 1, 28, 28), dtype=np.uint8)


def test_images_with_labels_have_features_and_predicted_labels(folder, exact, images):
    embedding = load_embedding(images, labelled=True, compute=exact)
    features, labels = embedding.embed(batches(images))
    shown = torch.from_numpy(images) / 255
    assert features.dtype == torch.float64 and embedding.classes == 10
    torch.testing.assert_close(features, CLASSIFIER.features(shown).double())
    assert labels.dtype == np.uint8 and labels.tolist() == CLASSIFIER(shown).argmax(dim=1).tolist()
    assert np.array_equal(embedding.see(shown.numpy()), labels)


def test_images_without_labels_have_features_of_the_autoencoder_alone(folder, exact, images):
    embedding = load_embedding(images, labelled=False, compute=exact)
    features, labels = embedding.embed(batches(images))
    assert labels is None and embedding.classes is None
    torch.testing.assert_close(features, DENOISER.features(torch.from_numpy(images) / 255).double())


@pytest.mark.parametrize("network", [CLASSIFIER, DENOISER], ids=["classifier", "denoiser"])
def test_batches_of_any_size_change_nothing(monkeypatch, exact, images, network):
    embedding = Embedding(network, exact)
    shown = images.astype(np.float32) / 255
    features, labels = embedding.embed([shown])
    monkeypatch.setattr(module, "images_at_a_time", lambda size: 3)
    for parts in ([shown], [shown[:2], shown[2:]], (shown[place : place + 1] for place in range(7))):
        found, seen = embedding.embed(parts)
        torch.testing.assert_close(found, features, rtol=1e-4, atol=1e-6)  # float32 in sums of another order
        assert np.array_equal(seen, labels)


def test_batches_are_all_images_or_the_first_of_them(monkeypatch, images):
    monkeypatch.setattr(trunk, "images_at_a_time", lambda size: 3)
    for count, sizes in ((None, [3, 3, 1]), (4, [3, 1]), (3, [3]), (99, [3, 3, 1])):
        found = list(batches(images, count))
        assert [len(batch) for batch in found] == sizes
        joined = np.concatenate(found)
        assert joined.dtype == np.float32 and np.array_equal(joined, images[: len(joined)].astype(np.float32) / 255)


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 28, 28), (1, 28, 20)])
@pytest.mark.parametrize(("labelled", "name"), [(True, "classifier"), (False, "denoiser")])
def test_images_of_another_shape_are_refused(folder, exact, shape, labelled, name):
    with pytest.raises(
        UserError, match=rf"{name}\.safetensors: judges \(1, 28, 28\), the images are .*: run `dvc repro`"
    ):
        load_embedding(np.zeros((2, *shape), dtype=np.uint8), labelled, exact)


@pytest.mark.parametrize(("labelled", "name"), [(True, CLASSIFIER_FILE), (False, DENOISER_FILE)])
def test_a_missing_network_is_named_even_if_there_is_one_of_the_other_kind(folder, exact, images, labelled, name):
    (folder / name).unlink()
    with pytest.raises(UserError, match=rf"{name}: no such file; `dvc repro` makes it"):
        load_embedding(images, labelled, exact)
