"""A small study on the disk: all that the stages leave, made up, and the tables that `measure` makes of it."""

import shutil
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import yaml

from stages import measure
from stages.judging.labels import label_generated, label_task
from stages.pipeline import artifacts
from stages.pipeline.params import Params, load_params
from stages.pipeline.storage import Writer, array_writer, json_writer, publish, table_writer
from stages.report.study import Study
from stages.restoration.observation import clean
from stages.restoration.observed import Observed, observed_writer
from stages.restoration.restored import Restored, restored_writer
from stages.restoration.task import load_grid
from tests.observations import observe, window
from tests.project import ROOT, merged
from tests.strokes import bars, ring

CHANGES = {
    "priors": ["least_squares", "non_saturating"],
    "rivals": {"denoising": ["tv", "bm3d"], "inpainting": ["telea"]},
    "images": 4,
    "denoising": {"sigmas": [0.0, 0.3, 0.6]},
    "inpainting": {"holes": [1, 2]},
    "measure": {"bootstrap": 100},
}
LATENT_DIM = 5


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Path:
    """The folder of a study that was measured."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["measure"])
        text = yaml.safe_dump(merged(yaml.safe_load((ROOT / "params.yaml").read_text()), CHANGES))
        Path("params.yaml").write_text(text)
        _write(load_params())
        measure.main()
    return folder


@pytest.fixture
def study(written, tmp_path, monkeypatch) -> Study:
    """The study, in a copy of its folder that a test may change."""
    monkeypatch.chdir(shutil.copytree(written, tmp_path / "study"))
    return Study(load_params())


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def _write(params: Params) -> None:
    truth = np.concatenate([bars(2, 60), bars(4, 80), ring(2), ring(4, 0.2)])
    digits = np.array([1, 1, 0, 0], dtype=np.uint8)
    sets: dict[Path, Observed] = {}
    restored: dict[Path, Restored] = {}

    both = np.concatenate([truth[::-1], truth])
    real = observe(both, np.repeat(["train", "test"], 4), labels=np.concatenate([digits[::-1], digits]))
    sets[artifacts.observed(artifacts.INVERSION)] = real
    for number, prior in enumerate(params.priors):
        drawn = np.roll(truth, number, axis=0)
        own = Observed(drawn, None, clean(drawn), np.repeat(["generated"], 4), "source")
        sets[artifacts.generated(prior)] = own
        for task, observed in ((artifacts.INVERSION, real), (artifacts.GENERATED, own)):
            found = {method: _near(observed.images, method, prior) for method in ("plain", "map", "whitened")}
            codes = {method: _codes(observed) for method in found}
            restored[artifacts.restored_by_prior(task, prior)] = Restored(found, codes)

    for task in params.tasks:
        observed = load_grid(task, params).observe(truth, digits, params.seed)
        sets[artifacts.observed(task)] = observed
        for prior in params.priors:
            restored[artifacts.restored_by_prior(task, prior)] = _posterior(observed, prior)
        for rival in params.rivals[task]:
            restored[artifacts.restored_by_rival(task, rival)] = Restored({rival: _near(observed.images, task, rival)})

    mask = window(both, slice(8, 16), slice(8, 16))
    mask[:4] = True
    corrupted = observe(both, np.repeat(["clean", "windows_1"], 4), "corruption", mask=mask)
    sets[artifacts.NORMS / "observed.npz"] = corrupted
    names = [f"{norm}, prior {prior}" for norm in ("l2", "l1") for prior in ("off", "on")]
    restored[artifacts.NORMS / "restored.npz"] = Restored(
        {name: _near(corrupted.images, "norms", name) for name in names}
    )
    publish({path: observed_writer(own) for path, own in sets.items()})
    publish({path: restored_writer(own) for path, own in restored.items()})

    labels = {artifacts.GENERATED: label_generated(params.priors, _see)}
    for task, rivals in {artifacts.INVERSION: [], **{task: params.rivals[task] for task in params.tasks}}.items():
        labels[task] = label_task(task, sets[artifacts.observed(task)], params.priors, rivals, _see)
    publish({artifacts.labels(task): array_writer(own) for task, own in labels.items()})
    publish(_training(params) | _solvers())


def _near(images: np.ndarray, *words: str) -> np.ndarray:
    """The images with errors of their own for these words."""
    noise = np.random.default_rng(list("".join(words).encode())).normal(0, 0.1, size=images.shape)
    return np.clip(images + noise, 0, 1).astype(np.float32)


def _codes(observed: Observed) -> np.ndarray:
    return np.ones((len(observed.images), LATENT_DIM), dtype=np.float32)


def _posterior(observed: Observed, prior: str) -> Restored:
    """Of every method; exact where no noise and no window is in the way."""
    images = {method: _near(observed.images, method, prior) for method in ("plain", "map", "posterior_mean")}
    untouched = (observed.observation.y == observed.images).all(axis=(1, 2, 3))[:, None, None, None]
    mean = np.where(untouched, observed.images, images["posterior_mean"])
    margins = {"50": np.float32(0.05), "90": np.float32(0.2)}
    spread = {f"low_{share}": np.clip(mean - margin, 0, 1) for share, margin in margins.items()}
    spread |= {f"high_{share}": np.clip(mean + margin, 0, 1) for share, margin in margins.items()}
    chains = np.stack([_near(observed.images, prior, str(chain)) for chain in range(3)], axis=1)
    count = len(mean)
    spread |= {
        "posterior_std": np.abs(images["plain"] - images["map"]),
        "completions": (chains * 255).astype(np.uint8),
        "chain_weights": np.tile(np.float32([0.5, 0.3, 0.2]), (count, 1)),
        "r_hat": np.linspace(1, 1.4, count, dtype=np.float32),
    }
    codes = {method: _codes(observed) for method in ("plain", "map")}
    return Restored(images | {"posterior_mean": mean}, codes, spread)


def _see(images: np.ndarray) -> np.ndarray:
    """1 for a bar, 0 for a ring: whether the middle is ink."""
    return (images[:, 0, 13:15, 13:15].mean(axis=(1, 2)) > 0.5).astype(np.uint8)


def _training(params: Params) -> dict[Path, Writer]:
    """Histories and samples of two epochs, how good they are, and how good the judge is."""
    names = ("d_steps", "g_steps", "d_loss", "g_loss", "real_logit", "fake_logit", "g_grad_norm", "loss_slope")
    measures = ("frechet_distance", "density", "class_entropy", "precision", "recall", "coverage")
    writers = {artifacts.CLASSIFIER / "accuracy.json": json_writer({"test_accuracy": 0.98})}
    fidelity = [{"prior": "none", "epoch": None, "classes_covered": 10} | dict.fromkeys(measures, 0.9)]
    for number, prior in enumerate(params.priors, 1):
        history, samples = [], {}
        for epoch in (1, 2):
            numbers = {name: epoch * number + place for place, name in enumerate(names)}
            history.append({"epoch": epoch, "d_accuracy": 0.5} | numbers)
            judged = dict.fromkeys(measures, 0.9 - epoch * number / 10)
            fidelity.append({"prior": prior, "epoch": epoch, "classes_covered": 10} | judged)
            grid = _near(np.tile(ring(), (64, 1, 1, 1)), prior, str(epoch))
            samples[f"epoch_{epoch}"] = (grid * 255).astype(np.uint8)
        path = artifacts.prior(prior, "samples.npz")
        writers |= {path: array_writer(samples), path.with_name("history.csv"): table_writer(history)}
    return writers | {artifacts.FIDELITY: table_writer(fidelity)}


def _solvers() -> dict[Path, Writer]:
    """Solvers of which each is better after more steps."""
    solvers = [
        {"solver": solver, "steps": steps, "squared_error": 1 / steps, "psnr": 10 + steps}
        for solver in ("adam", "whitened")
        for steps in (5, 20)
    ]
    seconds = [{"solver": row["solver"], "steps": row["steps"], "seconds": row["steps"] / 100} for row in solvers]
    restarts = [{"restarts": starts, "psnr": 20 + starts} for starts in (1, 2, 4)]
    tables = {"solvers": solvers, "seconds": seconds, "restarts": restarts}
    return {artifacts.SOLVERS / f"{name}.csv": table_writer(rows) for name, rows in tables.items()}
