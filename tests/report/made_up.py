"""All that the stages leave of a small study, made up: of labelled digits, or of pictures in colour without labels."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stages.judging.bits import CELLS, image_rows
from stages.judging.labels import label_generated, label_task
from stages.judging.modes import mode_rows
from stages.pipeline import artifacts
from stages.pipeline.artifacts import ALTERED
from stages.pipeline.params import Params
from stages.pipeline.storage import Arrays, Writer, array_writer, json_writer, publish, table_writer
from stages.priors.max_min.mixtures import MIXTURES
from stages.priors.max_min.played import (
    FILMED,
    FINAL,
    FRAMES,
    IMAGES,
    LOADINGS,
    MAX_MIN,
    MEAN,
    ORDERS,
    SAMPLES_FILE,
    SURFACE,
    name_of,
)
from stages.priors.saturated import run_name
from stages.priors.slopes import GAN_LOSSES, OBJECTIVES
from stages.report.schemas import OF_LABELS
from stages.restoration.observation import clean
from stages.restoration.observed import Observed, observed_writer
from stages.restoration.restored import Restored, methods_of, restored_writer
from stages.restoration.task import load_grid
from tests.observations import observe, window
from tests.strokes import bars, ring

LATENT_DIM = 5


@dataclass(frozen=True)
class Made:
    """What a study is about."""

    changes: dict[str, Any]  # of params.yaml
    images: np.ndarray  # (N, C, S, S), float32
    labels: np.ndarray | None  # (N,), uint8


def _coloured(levels: np.ndarray) -> np.ndarray:
    """Ink levels (N, 1, 28, 28) as pictures (N, 3, 64, 64): blue ink on a light ground."""
    level = np.pad(levels.repeat(2, axis=2).repeat(2, axis=3), ((0, 0), (0, 0), (4, 4), (4, 4)))
    ground, ink = (np.float32(colour)[:, None, None] for colour in ([1, 0.9, 0.8], [0, 0.1, 0.5]))
    return ground + level * (ink - ground)


_SHORT = {"denoising": {"sigmas": [0.0, 0.3, 0.6]}, "inpainting": {"holes": [1, 2]}, "measure": {"bootstrap": 100}}
DIGITS = Made(
    {
        "priors": ["least_squares", "non_saturating"],
        "flows": ["non_saturating"],
        "rivals": {"denoising": ["tv", "bm3d"], "inpainting": ["telea"]},
        "images": 4,
        **_SHORT,
    },
    np.concatenate([bars(2, 60), bars(4, 80), ring(2), ring(4, 0.2)]),
    np.array([1, 1, 0, 0], dtype=np.uint8),
)
# Few images, one prior, no rivals, no labels.
PICTURES = Made(
    {"priors": ["non_saturating"], "flows": [], "rivals": {"denoising": [], "inpainting": []}, "images": 2, **_SHORT},
    _coloured(np.concatenate([bars(4, 80), ring(4, 0.2)])),
    None,
)


def write_study(params: Params, made: Made) -> None:
    """Write all that `measure` and `plot` read."""
    truth, labels = made.images, made.labels
    count = len(truth)
    sets: dict[Path, Observed] = {}
    restored: dict[Path, Restored] = {}

    both = np.concatenate([truth[::-1], truth])
    real = observe(both, np.repeat(["train", "test"], count))
    real = replace(real, labels=None if labels is None else np.concatenate([labels[::-1], labels]))
    sets[artifacts.observed(artifacts.INVERSION)] = real
    for number, prior in enumerate(params.priors):
        drawn = np.roll(truth, number, axis=0)
        own = Observed(drawn, None, clean(drawn), np.repeat(["generated"], count), "source")
        sets[artifacts.generated(prior)] = own
        for task, observed in ((artifacts.INVERSION, real), (artifacts.GENERATED, own)):
            found = {method: _near(observed.images, method, prior) for method in ("plain", "map", "whitened")}
            codes = {method: _codes(observed) for method in found}
            restored[artifacts.restored_by_prior(task, prior)] = Restored(found, codes)

    for task in params.tasks:
        observed = load_grid(task, params).observe(truth, labels, params.seed)
        sets[artifacts.observed(task)] = observed
        for prior in params.searched:
            restored[artifacts.restored_by_prior(task, prior)] = _posterior(observed, prior)
        for rival in params.rivals[task]:
            restored[artifacts.restored_by_rival(task, rival)] = Restored({rival: _near(observed.images, task, rival)})
        for prior in (*params.searched, *(["none"] if params.rivals[task] else [])):
            together = _as_seen(observed, _near(observed.images, task, prior))
            restored[artifacts.combined(task, prior)] = Restored({artifacts.COMBINED: together})

    mask = window(both, slice(8, 16), slice(8, 16))
    mask[:count] = True
    corrupted = observe(both, np.repeat(["clean", "windows_1"], count), "corruption", mask=mask)
    sets[artifacts.NORMS / "observed.npz"] = corrupted
    names = [f"{norm}, prior {prior}" for norm in ("l2", "l1") for prior in ("off", "on")]
    restored[artifacts.NORMS / "restored.npz"] = Restored(
        {name: _near(corrupted.images, "norms", name) for name in names}
    )
    publish({path: observed_writer(own) for path, own in sets.items()})
    publish({path: restored_writer(own) for path, own in restored.items()})

    publish({artifacts.labels(task): array_writer(own) for task, own in _labels(params, sets, labels).items()})
    of_generators = _modes(made) | _density(params) | _likelihoods(params, truth[0].size) | _saturation(made)
    publish(_training(params, made) | _solvers() | of_generators)


def _labels(params: Params, sets: dict[Path, Observed], labels: np.ndarray | None) -> dict[str, Arrays]:
    rivals = {artifacts.INVERSION: [], **{task: params.rivals[task] for task in params.tasks}}
    if labels is None:
        return {task: {} for task in (artifacts.GENERATED, *rivals)}
    seen = {
        task: label_task(
            task,
            sets[artifacts.observed(task)],
            params.priors if task == artifacts.INVERSION else params.searched,
            own,
            _see,
        )
        for task, own in rivals.items()
    }
    return seen | {artifacts.GENERATED: label_generated(params.priors, _see)}


def _near(images: np.ndarray, *words: str) -> np.ndarray:
    """The images with errors of their own for these words."""
    noise = np.random.default_rng(list("".join(words).encode())).normal(0, 0.1, size=images.shape)
    return np.clip(images + noise, 0, 1).astype(np.float32)


def _as_seen(observed: Observed, images: np.ndarray) -> np.ndarray:
    """The images, but those that are seen as they are stay so."""
    untouched = (observed.observation.y == observed.images).all(axis=(1, 2, 3))[:, None, None, None]
    return np.where(untouched, observed.images, images)


def _codes(observed: Observed) -> np.ndarray:
    return np.ones((len(observed.images), LATENT_DIM), dtype=np.float32)


def _posterior(observed: Observed, prior: str) -> Restored:
    """Of every method; exact where no noise and no window is in the way."""
    images = {method: _near(observed.images, method, prior) for method in methods_of(prior)}
    mean = _as_seen(observed, images["posterior_mean"])
    margins = {"50": np.float32(0.05), "90": np.float32(0.2)}
    spread = {f"low_{share}": np.clip(mean - margin, 0, 1) for share, margin in margins.items()}
    spread |= {f"high_{share}": np.clip(mean + margin, 0, 1) for share, margin in margins.items()}
    chains = np.stack([_near(observed.images, prior, str(chain)) for chain in range(3)], axis=1)
    count = len(mean)
    spread |= {
        "posterior_std": np.abs(images["map"] - mean),
        "completions": (chains * 255).astype(np.uint8),
        "chain_weights": np.tile(np.float32([0.5, 0.3, 0.2]), (count, 1)),
        "r_hat": np.linspace(1, 1.4, count, dtype=np.float32),
    }
    codes = {method: _codes(observed) for method in images if method != "posterior_mean"}
    return Restored(images | {"posterior_mean": mean}, codes, spread)


def _see(images: np.ndarray) -> np.ndarray:
    """1 for a bar, 0 for a ring: whether the middle is ink."""
    return (images[:, 0, 13:15, 13:15].mean(axis=(1, 2)) > 0.5).astype(np.uint8)


def _training(params: Params, made: Made) -> dict[Path, Writer]:
    """Histories and samples of two epochs, how good they are, and how good the judge is."""
    labelled = made.labels is not None
    names = ("d_steps", "g_steps", "d_loss", "g_loss", "real_logit", "fake_logit", "g_grad_norm", "loss_slope")
    measures = ("frechet_distance", "density", "class_entropy", "precision", "recall", "coverage", "classes_covered")
    measures = tuple(name for name in measures if labelled or name not in OF_LABELS)
    writers = {artifacts.CLASSIFIER / "accuracy.json": json_writer({"test_accuracy": 0.98} if labelled else {})}
    fidelity = [{"prior": "none", "epoch": None} | dict.fromkeys(measures, 0.9)]
    for number, prior in enumerate(params.priors, 1):
        history, samples = [], {}
        for epoch in (1, 2):
            numbers = {name: epoch * number + place for place, name in enumerate(names)}
            history.append({"epoch": epoch, "d_accuracy": 0.5} | numbers)
            fidelity.append({"prior": prior, "epoch": epoch} | dict.fromkeys(measures, 0.9 - epoch * number / 10))
            grid = _near(np.tile(made.images[-1:], (64, 1, 1, 1)), prior, str(epoch))
            samples[f"epoch_{epoch}"] = (grid * 255).astype(np.uint8)
        path = artifacts.training(prior, "samples.npz")
        writers |= {path: array_writer(samples), path.with_name("history.csv"): table_writer(history)}
    for prior in params.flows:
        fidelity.append({"prior": artifacts.with_flow(prior), "epoch": 2} | dict.fromkeys(measures, 0.5))
        history = [{"step": step, "train": step, "validation": step - 1.5, "normal": 0.5} for step in (1, 2)]
        writers[artifacts.training(artifacts.with_flow(prior), "history.csv")] = table_writer(history)
    return writers | {artifacts.FIDELITY: table_writer(fidelity)}


def _modes(made: Made) -> dict[Path, Writer]:
    """Samples of two seeds: all modes in every order but max_min, which has one; and the tables of them."""
    rng = np.random.default_rng(5)
    names = [*MIXTURES, *([IMAGES] if made.labels is not None else [])]
    arrays: Arrays = {}
    for data in names:
        centres = MIXTURES[data].centres if data in MIXTURES else np.eye(3, dtype=np.float32)
        for order in ORDERS:
            count = 1 if order == MAX_MIN else len(centres)
            for loss in GAN_LOSSES:
                for kind, shape in {FINAL: (2, 50), FRAMES: (2, 4, 20)}.items():
                    points = centres[rng.integers(count, size=shape)] + rng.normal(0, 0.05, (*shape, centres.shape[1]))
                    arrays[name_of(data, order, loss, kind)] = points.astype(np.float32)
    for loss in GAN_LOSSES:
        arrays[name_of(FILMED, MAX_MIN, loss, SURFACE)] = rng.random((4, 9, 9), dtype=np.float32)
    if IMAGES in names:
        coordinates = rng.normal(size=(made.images[0].size, 3)).astype(np.float32)
        arrays |= {MEAN: made.images.mean(axis=0), LOADINGS: coordinates}

    def judge(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return points.argmax(axis=1), points.max(axis=1) > 0.9

    modes = mode_rows(arrays, judge, 3)
    games = [{name: row[name] for name in ("data", "loss", "order", "seed")} for row in modes if row["data"] != IMAGES]
    numbers = ("highest", "best", "reached", "excess", "at_highest", "spread", "d_loss", "constant")
    return {
        SAMPLES_FILE: array_writer(arrays),
        artifacts.JUDGED_MODES: table_writer(modes),
        artifacts.MODES / "inner_minimum.csv": table_writer([row | dict.fromkeys(numbers, 0.5) for row in games]),
    }


def _likelihoods(params: Params, pixels: int) -> dict[Path, Writer]:
    """Of two images under each prior, the next one a nat a pixel less likely, upper bounds a nat above lower ones."""
    writers = {}
    for number, prior in enumerate(params.searched):
        rows = [
            {"noise": noise, "floor": 1e-4, "slope": 0.1 * place} | row
            for place, noise in enumerate(("misfit", "likeliest"), 1)
            for images, bound in CELLS
            for row in image_rows(
                images, bound, np.array([pixels, 2.0 * pixels]) - number * pixels + (bound == "upper"), pixels
            )
        ]
        writers[artifacts.likelihood(prior)] = table_writer(rows)
    return writers


def _saturation(made: Made) -> dict[Path, Writer]:
    """Gradients that fall tenfold from one step to the next for minimax, and nobody else's; small GANs likewise."""
    gradients = [
        {"objective": objective, "age": age, "seed": seed, "d_step": step, "fake_logit": -step, "d_accuracy": 1}
        | {"loss_slope": fall**step, "logit_grad_norm": 2, "g_grad_norm": 2 * fall**step}
        | {"largest_slope": 1.5 * fall**step, "sample_grad_norm": 3, "loss_by_output": 2, "output_by_logit": 0.5}
        for objective, fall in zip(OBJECTIVES, (0.1, 1, 1, 0.1), strict=True)
        for age in (0, 2)
        for seed in range(2)
        for step in (1, 2, 3)
    ]
    logits = {f"{kind}_{name}": np.float32([-2, 0.5, 1]) for kind in ("logits", "slopes") for name in OBJECTIVES}
    histories, quality, samples = [], [], {}
    for loss, fall in zip(GAN_LOSSES, (0.1, 1, 1), strict=True):
        for batch_norm in ("true", "false"):
            cell = {"loss": loss, "discriminator_steps": 3, "optimiser": "adam", "batch_norm": batch_norm}
            samples[run_name(cell | {"seed": 0})] = (
                _near(np.tile(made.images[-1:], (16, 1, 1, 1)), loss) * 255
            ).astype(np.uint8)
            for seed in range(2):
                own = {"d_accuracy": 1, "loss_slope": 0.5, "update_norm": 0.1}
                steps = [{"g_step": step, "g_grad_norm": fall**step} | own for step in range(1, 6)]
                histories += [cell | {"seed": seed} | step for step in steps]
                quality.append(cell | {"seed": seed, "frechet_distance": 10 + seed, "coverage": 0.5})
    folder, grid = artifacts.SATURATION, artifacts.SATURATION_GRID
    return {
        folder / "gradients.csv": table_writer(gradients),
        folder / "logits.npz": array_writer(logits),
        grid / "histories.csv": table_writer(histories),
        artifacts.SMALL_FIDELITY: table_writer(quality),
        grid / "shown.npz": array_writer(samples),
    }


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


def _density(params: Params) -> dict[Path, Writer]:
    """Bits that three images of each kind cost, and Jacobians at two codes that fall off exponentially."""
    kinds = (*ALTERED, artifacts.FLOW, *params.searched)
    bits = {kind: np.float32([1, 2, 3]) + np.float32(place) for place, kind in enumerate(kinds)}
    values = np.exp(-np.arange(LATENT_DIM)) * np.array([[1.0], [2.0]])
    return {
        artifacts.DENSITY / "bits.npz": array_writer(bits),
        artifacts.DENSITY / "jacobian.npz": array_writer(dict.fromkeys(params.priors, values)),
    }
