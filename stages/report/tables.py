"""Every table of metrics/, from what the stages have left. Rows of priors in the order of params.yaml, others last.

A prior with its flow is a prior of its own, until the tables are done (latents.py).
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from stages.judging.bits import likelihood_rows
from stages.judging.calibration import calibration_rows
from stages.judging.density import density_rows, jacobian_rows
from stages.judging.intervals import Bootstrap
from stages.judging.noise_gain import noise_rows, transfer_rows
from stages.judging.places import feature_rows
from stages.judging.scores import inversion_rows, norm_rows, paired_rows, task_rows
from stages.judging.spectra import spectra_rows
from stages.judging.traits import trait_rows
from stages.pipeline.artifacts import FLOW, INVERSION, NO_PRIOR, UNRESTORED, with_flow
from stages.pipeline.storage import Row
from stages.priors.saturated import count_saturated, gradient_falls
from stages.report.latents import split_latent
from stages.report.study import Study
from stages.restoration.restored import POSTERIOR_MEAN, Restored

Tables = dict[str, pd.DataFrame]


def all_tables(study: Study) -> Tables:
    """name -> table, of every CSV in metrics/; one without rows, as `transfer` where nothing is noisy, is left out."""
    bootstrap = Bootstrap(study.params.measure.bootstrap, study.params.seed)
    of_losses = _of_losses(study)  # first what takes no time, so that a damaged file is named soon
    of_games = {"modes": study.modes(), "inner_minimum": study.inner_minimum()}  # of networks that are no priors
    tables = {
        "training": pd.concat([study.history(prior).assign(prior=prior) for prior in study.priors]),
        "fidelity": study.fidelity(),
        "norms": pd.DataFrame(norm_rows(study.params.usual_prior, *study.norms(), bootstrap)),
    }
    flows = [study.flow_history(prior).assign(prior=with_flow(prior)) for prior in study.params.flows]
    tables |= {"flows": pd.concat(flows)} if flows else {}
    rows = _density(study, bootstrap)
    rows["likelihood"] = [
        row
        for prior in study.params.searched
        for row in likelihood_rows(prior, study.log_likelihoods(prior), bootstrap)
    ]
    rows |= _tasks(study, bootstrap) | _inversion(study, bootstrap)
    tables |= {name: pd.DataFrame(own) for name, own in rows.items() if own}
    return {name: split_latent(table) for name, table in tables.items()} | of_games | of_losses


def _of_losses(study: Study) -> Tables:
    """Which objectives saturate."""
    saturation = study.saturation()
    return {
        "saturation": saturation,
        "saturation_falls": gradient_falls(saturation),
        "saturation_grid": count_saturated(study.small_gans(), study.small_fidelity(), study.params.saturated),
    }


def _inversion(study: Study, bootstrap: Bootstrap) -> dict[str, list[Row]]:
    """Inverted images: how close they are, and what of them survives."""
    rows: dict[str, list[Row]] = {"inversion": [], "spectra": [], "features": [], "traits": []}
    for prior in study.priors:
        seen, labels = study.inverted(prior), study.inverted_labels(prior)
        observed = replace(seen.observed, labels=labels[UNRESTORED] if labels else None)
        rows["inversion"] += inversion_rows(prior, observed, seen.restored, labels, bootstrap)
        rows["spectra"] += spectra_rows(prior, observed, seen.restored)
        rows["features"] += feature_rows(prior, observed, seen.restored, bootstrap)
        rows["traits"] += trait_rows(prior, observed, seen.restored)
    real = study.real()
    labels = study.labels(INVERSION, NO_PRIOR, real)
    rows["inversion"] += inversion_rows(NO_PRIOR, real.observed, real.restored, labels, bootstrap)
    return rows


def _density(study: Study, bootstrap: Bootstrap) -> dict[str, list[Row]]:
    """What images cost under models that have a density, and the Jacobians of those that have none."""
    return {
        "density": density_rows(FLOW, study.bits(), bootstrap),
        "jacobian": [row for prior, own in study.singular_values().items() for row in jacobian_rows(prior, own)],
    }


def _tasks(study: Study, bootstrap: Bootstrap) -> dict[str, list[Row]]:
    """Restored images of every task: a table each, and those that all tasks share."""
    rows: dict[str, list[Row]] = {"paired": [], "calibration": [], "transfer": [], "noise": []}
    for task in study.params.tasks:
        rivals = study.by_rivals(task)
        rows[task] = []
        means: dict[str, np.ndarray] = {}
        for prior in study.params.searched:
            seen = study.by_prior(task, prior)
            labels = study.labels(task, prior, seen)
            rows[task] += task_rows(prior, seen.observed, seen.restored, labels, bootstrap)
            rows["paired"] += paired_rows(task, prior, seen.observed, seen.restored, rivals.restored, bootstrap)
            own = Restored({POSTERIOR_MEAN: seen.restored.images[POSTERIOR_MEAN]})
            rows["paired"] += paired_rows(task, prior, seen.observed, own, Restored(means), bootstrap)
            means = means | {prior: own.images[POSTERIOR_MEAN]}
            rows["calibration"] += calibration_rows(task, prior, seen.observed, seen.restored, bootstrap)
            if seen.observed.is_noisy:
                rows["transfer"] += transfer_rows(prior, seen.observed, seen.restored)
                rows["noise"] += noise_rows(prior, seen.observed, seen.restored)
        labels = study.labels(task, NO_PRIOR, rivals)
        rows[task] += task_rows(NO_PRIOR, rivals.observed, rivals.restored, labels, bootstrap)
    return rows
