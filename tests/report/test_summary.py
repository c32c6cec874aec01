"""The few scalars by which experiments compare: the best prior's, under each condition."""

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


def test_scores_are_the_best_of_any_prior(tables, params):
    assert summarise(tables, params) == {
        "fidelity": {"frechet_distance": 3},
        "inversion": {"test_psnr": 30},
        "denoising": {"psnr_1": 20, "psnr_2": 10},
        "inpainting": {"hole_psnr_0": 14, "hole_psnr_1": 12},
    }


def test_another_grid_changes_no_score(tables, params):
    """A mean over the grid would fall with its noise, and be taken for a worse prior."""
    before = summarise(tables, params)["denoising"]
    tables["denoising"] = tables["denoising"].query("sigma != 1")
    assert summarise(tables, params)["denoising"] == {"psnr_2": before["psnr_2"]}


def test_infinite_and_undefined_psnr_are_left_out(tables, params):
    before = summarise(tables, params)["denoising"]
    tables["denoising"] = tables["denoising"].replace(math.inf, math.nan)
    assert summarise(tables, params)["denoising"] == before
    json.dumps(before, allow_nan=False)


def test_tasks_are_those_of_the_parameters(tables, params):
    one = params.model_copy(update={"tasks": ["inpainting"]})
    assert set(summarise(tables, one)) == {"fidelity", "inversion", "inpainting"}
    tables["deblurring"] = tables["denoising"].rename(columns={"sigma": "width"})
    other = params.model_copy(update={"tasks": ["deblurring"]})
    assert summarise(tables, other)["deblurring"] == summarise(tables, params)["denoising"]


def test_priors_that_are_not_listed_do_not_count(tables, params):
    summary = summarise(tables, params.model_copy(update={"priors": ["minimax"]}))
    assert summary["fidelity"] == {"frechet_distance": 9} and summary["inversion"] == {"test_psnr": 20}
    assert summary["inpainting"] == {"hole_psnr_0": 10, "hole_psnr_1": 8}


def test_the_summary_of_a_study_is_that_of_its_tables(study):
    tables = all_tables(study)
    summary = json.loads(Path("metrics/summary.json").read_text())
    assert summary.pop("classifier") == {"test_accuracy": 0.98}
    assert summary == summarise(tables, study.params)
    rows = tables["denoising"].query("method == 'posterior_mean'")
    assert "psnr_0" not in summary["denoising"]
    for sigma, own in rows[rows.sigma > 0].groupby("sigma"):
        np.testing.assert_allclose(summary["denoising"][f"psnr_{sigma:g}"], own.psnr.max(), atol=5e-4)
