"""A few scalars of every table, and the best prior's among them."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.pipeline.params import Params, load_params
from stages.report.latents import split_latent
from stages.report.summary import summarise
from stages.report.tables import all_tables
from tests.project import ROOT

PRIORS = ["minimax", "least_squares"]


@pytest.fixture
def params() -> Params:
    return load_params(ROOT / "params.yaml").model_copy(
        update={"priors": PRIORS, "flows": [], "tasks": ["denoising", "inpainting"]}
    )


def restored(condition: str, quality: str, scores: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    """(prior, method) -> the quality under the first condition, the second, ..."""
    return pd.DataFrame(
        [
            {"prior": prior, "method": method, condition: number, "psnr": -1.0, quality: score}
            for (prior, method), own in scores.items()
            for number, score in enumerate(own)
        ]
    )


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    history = [
        {"prior": prior, "epoch": epoch, "real_logit": number + epoch, "fake_logit": -epoch, "g_grad_norm": 0.5}
        for number, prior in enumerate(PRIORS)
        for epoch in (1, 2)
    ]
    fidelity = [{"prior": "none", "epoch": math.nan, "frechet_distance": 0.1}]
    fidelity += [
        {"prior": prior, "epoch": epoch, "frechet_distance": distance}
        for prior, distances in (("minimax", (1.0, 9.0)), ("least_squares", (8.0, 3.0)))
        for epoch, distance in enumerate(distances, 1)
    ]
    inversion = [
        {"prior": prior, "method": method, "source": source, "psnr": score + (10 if source == "train" else 0)}
        for prior, method, score in (
            ("minimax", "whitened", 20.0),
            ("minimax", "plain", 50.0),
            ("least_squares", "whitened", 30.0),
            ("none", "observed", math.inf),
        )
        for source in ("train", "test")
    ]
    tables = {
        "training": pd.DataFrame(history),
        "fidelity": pd.DataFrame(fidelity),
        "inversion": pd.DataFrame(inversion),
        "denoising": restored(
            "sigma",
            "psnr",
            {
                ("minimax", "posterior_mean"): [math.inf, 20.0, 10.0],
                ("minimax", "map"): [90.0, 90.0, 90.0],
                ("least_squares", "posterior_mean"): [math.inf, 18.0, 8.0],
                ("none", "tv"): [math.inf, 99.0, 99.0],
            },
        ),
        "inpainting": restored(
            "holes",
            "hole_psnr",
            {("minimax", "posterior_mean"): [10.0, 8.0], ("least_squares", "posterior_mean"): [14.0, 12.0]},
        ),
    }
    return {name: split_latent(table) for name, table in tables.items()}


def test_scores_stand_by_prior_and_the_best_beside_them(tables, params):
    assert summarise(tables, params) == {
        "training": {
            "minimax": {"real_logit": 2, "fake_logit": -2, "g_grad_norm": 0.5},
            "least_squares": {"real_logit": 3, "fake_logit": -2, "g_grad_norm": 0.5},
        },
        "fidelity": {
            "best": {"frechet_distance": 3},
            "minimax": {"frechet_distance": 9},
            "least_squares": {"frechet_distance": 3},
        },
        "inversion": {"best": {"test_psnr": 30}, "minimax": {"test_psnr": 20}, "least_squares": {"test_psnr": 30}},
        "denoising": {"best": {"psnr": 15}, "minimax": {"psnr": 15}, "least_squares": {"psnr": 13}},
        "inpainting": {"best": {"hole_psnr": 13}, "minimax": {"hole_psnr": 9}, "least_squares": {"hole_psnr": 13}},
    }


def test_infinite_and_undefined_psnr_are_left_out(tables, params):
    before = summarise(tables, params)["denoising"]
    tables["denoising"] = tables["denoising"].replace(math.inf, math.nan)
    assert summarise(tables, params)["denoising"] == before
    json.dumps(before, allow_nan=False)


def test_tasks_are_those_of_the_parameters(tables, params):
    one = params.model_copy(update={"tasks": ["inpainting"]})
    assert set(summarise(tables, one)) == {"training", "fidelity", "inversion", "inpainting"}
    tables["deblurring"] = tables["denoising"].rename(columns={"sigma": "width"})
    other = params.model_copy(update={"tasks": ["deblurring"]})
    assert summarise(tables, other)["deblurring"] == summarise(tables, params)["denoising"]


def test_a_single_prior_is_the_best(tables, params):
    summary = summarise(tables, params.model_copy(update={"priors": ["minimax"]}))
    for group in ("fidelity", "inversion", "denoising", "inpainting"):
        assert summary[group]["best"] == summary[group]["minimax"]
        assert set(summary[group]) == {"best", "minimax"}


def test_the_summary_of_a_study_is_that_of_its_tables(study):
    tables = all_tables(study)
    summary = json.loads(Path("metrics/summary.json").read_text())
    assert summary.pop("classifier") == {"test_accuracy": 0.98}
    assert summary == summarise(tables, study.params)
    rows = tables["denoising"].query("prior == 'non_saturating' and latent == 'normal' and method == 'posterior_mean'")
    assert np.isinf(rows.psnr.iloc[0])
    assert summary["denoising"]["non_saturating"]["psnr"] == rows.psnr.iloc[1:].mean()
