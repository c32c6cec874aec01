"""When a run counts as saturated, and by how much gradients fell: made-up histories with known answers."""

import numpy as np
import pandas as pd
import pytest

from stages.pipeline.params import Saturated
from stages.pipeline.storage import load_table, publish, table_writer
from stages.priors.saturated import count_saturated, gradient_falls, judge_run, run_name, run_of
from stages.report.schemas import OF_LOSSES

CRITERION = Saturated(gradient_ratio=0.01, d_accuracy=0.95, last=0.2)


def history(last: float, accuracy: float = 1.0, **cell: object) -> pd.DataFrame:
    """Twenty steps whose gradient is 2 at first, and from the 15th on 2 * last; updates fall by a half alone."""
    norms = np.where(np.arange(20) < 14, 2.0, 2.0 * last)
    rows = {"g_step": np.arange(1, 21), "g_grad_norm": norms, "update_norm": np.where(norms < 2, 0.5, 1.0)}
    return pd.DataFrame(rows | {"loss_slope": norms / 2, "d_accuracy": accuracy} | cell)


@pytest.mark.parametrize(
    ("last", "accuracy", "saturated"),
    [(0.005, 1.0, 1), (0.01, 0.95, 1), (0.02, 1.0, 0), (0.005, 0.9, 0), (1.0, 1.0, 0), (0.0, 1.0, 1)],
)
def test_it_takes_a_gradient_that_is_gone_and_a_discriminator_that_is_right(last, accuracy, saturated):
    run = judge_run(history(last, accuracy), CRITERION)
    assert run.saturated == saturated
    assert run.gradient_ratio == pytest.approx(last)
    assert run.update_ratio == pytest.approx(1.0 if last == 1 else 0.5)


def test_no_single_late_step_decides_and_what_recovers_is_not_saturated():
    own = history(0.005)
    own.loc[19, "g_grad_norm"] = 1.0
    assert judge_run(own, CRITERION).saturated == 1
    recovered = history(1.0)
    recovered.loc[8:12, "g_grad_norm"] = 1e-6  # in between
    assert judge_run(recovered, CRITERION).saturated == 0


def test_a_run_that_diverged_is_none_that_saturated():
    own = history(0.005)
    own.loc[15:, "g_grad_norm"] = np.nan
    run = judge_run(own, CRITERION)
    assert (run.saturated, run.diverged) == (0, 1) and np.isnan(run.gradient_ratio)
    cell = {"loss": "minimax", "discriminator_steps": 3, "optimiser": "sgd", "batch_norm": "true"}
    runs = [own.assign(seed=0), history(0.001).assign(seed=1)]
    quality = [cell | {"seed": seed, "frechet_distance": 9.0 - seed, "coverage": 0.5} for seed in (0, 1)]
    (row,) = count_saturated(pd.concat(runs).assign(**cell), pd.DataFrame(quality), CRITERION).to_dict("records")
    assert (row["seeds"], row["saturated"], row["diverged"]) == (2, 1, 1)
    assert row["gradient_ratio"] == pytest.approx(0.001) and row["frechet_distance"] == 8  # of the other run alone


def test_a_cell_whose_runs_all_diverged_has_a_row_that_can_be_read(tmp_path):
    own = history(0.005).assign(seed=0)
    own.loc[15:, "g_grad_norm"] = np.nan
    cell = {"loss": "minimax", "discriminator_steps": 3, "optimiser": "sgd", "batch_norm": "true"}
    quality = pd.DataFrame([cell | {"seed": 0, "frechet_distance": 9.0, "coverage": 0.5}])
    path = tmp_path / "saturation_grid.csv"
    publish({path: table_writer(count_saturated(own.assign(**cell), quality, CRITERION))})
    (row,) = load_table(path, OF_LOSSES["saturation_grid"]).to_dict("records")
    assert row["diverged"] == 1 and np.isnan([row["frechet_distance"], row["coverage"], row["loss_slope"]]).all()


def test_counts_are_over_seeds_and_cells_stay_apart():
    cell = {"discriminator_steps": 3, "optimiser": "adam"}
    lasts = {("minimax", "true"): (0.001, 0.002, 0.5), ("minimax", "false"): (0.5, 0.5, 0.5)}
    histories, quality = [], []
    for (loss, batch_norm), values in lasts.items():
        for seed, last in enumerate(values):
            own = cell | {"loss": loss, "batch_norm": batch_norm, "seed": seed}
            histories.append(history(last, **own))
            quality.append(own | {"frechet_distance": 10.0 * (seed + 1), "coverage": 0.5, "recall": 0.1})
    table = count_saturated(pd.concat(histories), pd.DataFrame(quality), CRITERION)
    assert table.saturated.tolist() == [2, 0]
    assert table.seeds.tolist() == [3, 3]
    assert table.batch_norm.tolist() == ["true", "false"]
    assert table.gradient_ratio.tolist() == pytest.approx([0.002, 0.5])
    assert table.frechet_distance.tolist() == [20, 20]
    assert list(table)[-2:] == ["frechet_distance", "coverage"]


def test_falls_are_orders_of_magnitude_with_their_range_over_seeds():
    rows = [
        {"objective": "minimax", "age": 0, "seed": seed, "d_step": step, "loss_slope": slope, "logit_grad_norm": 1.0}
        | {"g_grad_norm": slope, "largest_slope": slope, "sample_grad_norm": 2.0}
        | {"loss_by_output": 4.0 ** (seed + 1), "output_by_logit": 0.25, "d_accuracy": (seed + step) / 22}
        for seed, end in enumerate((1e-2, 1e-4, 1e-5))
        for step, slope in ((5, 1.0), (10, 0.1), (20, end))
    ]
    rows[0]["g_grad_norm"] = 1.5  # beyond the bound by the mean logit's gradient, within the other
    (fall,) = gradient_falls(pd.DataFrame(rows)).to_dict("records")
    found = [fall[f"loss_slope_fall{end}"] for end in ("", "_low", "_high")]
    assert found == pytest.approx([4, 2, 5])
    assert fall["logit_grad_fall"] == 0
    assert fall["d_accuracy"] == pytest.approx(21 / 22)  # of the last step
    assert (fall["seeds"], fall["d_steps"]) == (3, 20)
    assert (fall["loss_by_output"], fall["output_by_logit"]) == pytest.approx((16, 0.25))
    assert (fall["bounded"], fall["bounded_by_mean"]) == pytest.approx((1, 8 / 9))


def test_a_name_says_which_run_it_is():
    run = {"loss": "non_saturating", "discriminator_steps": 3, "optimiser": "sgd", "batch_norm": "true", "seed": 4}
    assert run_of(run_name(run)) == run
