"""A study on the disk: what is read, and what is refused because it is missing, damaged or of another study."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import array_writer, publish, table_writer
from stages.report.schemas import COLUMNS
from stages.report.study import Study
from stages.restoration.observed import save_observed

TABLES = ["training", "fidelity", "inversion", "spectra", "transfer", "noise", "features", "traits", "calibration"]


def with_priors(study: Study, *priors: str) -> Study:
    """Another study with other priors in the same folder."""
    return Study(study.params.model_copy(update={"priors": list(priors)}))


def rewrite_labels(task: str, change) -> None:
    path = artifacts.labels(task)
    with np.load(path) as archive:
        labels = {name: archive[name] for name in archive.files}
    publish({path: array_writer(path, change(labels))})


def test_what_a_prior_made_stands_beside_what_was_seen(study):
    seen = study.by_prior("denoising", "non_saturating")
    assert list(seen.restored.images) == list(seen.labels) == ["plain", "map", "posterior_mean"]
    assert seen.observed.conditions == ["0", "0.3", "0.6"]
    assert all(len(labels) == len(seen.observed.images) == 12 for labels in seen.labels.values())
    other = study.by_prior("denoising", "least_squares")
    assert np.array_equal(other.observed.observation.y, seen.observed.observation.y)
    assert not np.array_equal(other.restored.images["map"], seen.restored.images["map"])


def test_what_was_observed_is_the_first_of_the_rivals(study):
    seen = study.by_rivals("inpainting")
    assert list(seen.restored.images) == list(seen.labels) == ["observed", "telea"]
    assert np.array_equal(seen.restored.images["observed"], seen.observed.observation.y)
    assert list(Study(study.params.model_copy(update={"rivals": {}})).by_rivals("inpainting").labels) == ["observed"]


def test_real_images_are_their_own_restorations(study):
    seen = study.real()
    assert np.array_equal(seen.restored.images["observed"], seen.observed.images)
    assert seen.observed.conditions == ["train", "test"]


def test_inverted_images_are_those_of_the_prior_and_then_the_real_ones(study):
    seen = study.inverted("non_saturating")
    assert seen.observed.conditions == ["generated", "train", "test"]
    assert np.array_equal(seen.observed.images[4:], study.real().observed.images)
    # What nobody has labelled is taken for what the classifier sees in it: rings and bars, the prior's own order.
    assert seen.observed.labels.tolist() == [0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0]
    assert study.inverted("least_squares").observed.labels.tolist()[:4] == [1, 1, 0, 0]
    assert all(len(array) == 12 for array in [*seen.restored.images.values(), *seen.labels.values()])
    assert {codes.shape for codes in seen.restored.codes.values()} == {(12, 5)}


def test_labels_of_inverted_images_are_of_the_prior_and_method_that_made_them(study):
    methods = ("observed", "plain", "map", "whitened")
    generated = {f"non_saturating/{method}": number for number, method in enumerate(methods, 10)}
    real = {f"non_saturating/{method}": number for number, method in enumerate(methods, 20)}
    for task, numbers in (("generated", generated), ("inversion", real)):
        rewrite_labels(
            task, lambda labels, n=numbers: {k: np.full_like(own, n.get(k, 99)) for k, own in labels.items()}
        )
    seen = study.inverted("non_saturating")
    assert seen.observed.labels.tolist() == [10] * 4 + study.real().observed.labels.tolist()
    assert {method: labels.tolist() for method, labels in seen.labels.items()} == {
        "plain": [11] * 4 + [21] * 8,
        "map": [12] * 4 + [22] * 8,
        "whitened": [13] * 4 + [23] * 8,
    }


def test_small_things_are_read_as_they_were_written(study):
    assert study.accuracy() == 0.98
    assert study.history("least_squares").epoch.tolist() == [1, 2]
    assert {epoch: images.shape for epoch, images in study.samples("least_squares").items()} == {
        1: (64, 1, 28, 28),
        2: (64, 1, 28, 28),
    }
    assert list(study.restarts().restarts) == [1, 2, 4]
    assert len(study.solvers()) == len(study.seconds()) == 4
    observed, norms = study.norms()
    assert observed.conditions == ["clean", "windows_1"] and len(norms.images) == 4


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_one_of_the_priors_is_refused_by_name(study, name):
    assert set(study.table(name).prior) >= set(study.priors)
    with pytest.raises(UserError, match=rf"metrics/{name}\.csv: has no rows of the prior minimax: run `dvc repro`"):
        with_priors(study, "least_squares", "minimax").table(name)


@pytest.mark.parametrize("task", ["denoising", "inpainting"])
def test_the_table_of_a_task_without_one_of_the_priors_is_refused_by_name(study, task):
    table = study.task_table(task)
    path = artifacts.table(task)
    publish({path: table_writer(table[table.prior != "non_saturating"])})
    with pytest.raises(UserError, match=f"{path}: has no rows of the prior non_saturating: run `dvc repro`"):
        study.task_table(task)


def test_fidelity_without_one_of_the_priors_is_refused_by_name(study):
    with pytest.raises(UserError, match=r"data/judged/fidelity\.csv: has no rows of the prior minimax"):
        with_priors(study, "minimax").fidelity()


def test_the_table_of_norms_is_about_one_prior(study):
    assert set(study.norm_table().prior) == {"non_saturating"}


def test_text_among_numbers_is_refused_by_name(study):
    path = artifacts.table("inversion")
    path.write_text(path.read_text().replace("least_squares,plain,train,4,", "least_squares,plain,train,four,"))
    with pytest.raises(UserError, match=r"metrics/inversion\.csv: n = 'four' in row 2: allowed is at least 1"):
        study.table("inversion")


def test_a_table_without_a_column_or_of_another_task_is_refused_by_name(study):
    table = study.table("spectra").drop(columns="residual_share")
    publish({artifacts.table("spectra"): table_writer(table)})
    with pytest.raises(UserError, match=r"metrics/spectra\.csv: column 'residual_share' is missing"):
        study.table("spectra")
    artifacts.table("inpainting").write_bytes(artifacts.table("denoising").read_bytes())
    with pytest.raises(UserError, match=r"metrics/inpainting\.csv: column 'holes' is missing"):
        study.task_table("inpainting")


def test_a_table_without_rows_is_refused(study):
    path = artifacts.table("traits")
    path.write_text(",".join(COLUMNS["traits"]) + "\n")
    with pytest.raises(UserError, match=r"metrics/traits\.csv: it has no rows"):
        study.table("traits")


@pytest.mark.parametrize(
    ("path", "read"),
    [
        (artifacts.restored_by_prior("denoising", "least_squares"), lambda s: s.by_prior("denoising", "least_squares")),
        (artifacts.restored_by_rival("inpainting", "telea"), lambda s: s.by_rivals("inpainting")),
        (artifacts.restored_by_prior("generated", "least_squares"), lambda s: s.inverted("least_squares")),
        (artifacts.restored_by_prior("inversion", "least_squares"), lambda s: s.inverted("least_squares")),
        (artifacts.generated("least_squares"), lambda s: s.inverted("least_squares")),
        (artifacts.labels("denoising"), lambda s: s.by_prior("denoising", "least_squares")),
        (artifacts.labels("generated"), lambda s: s.inverted("least_squares")),
        (artifacts.labels("inversion"), lambda s: s.real()),
        (artifacts.observed("inversion"), lambda s: s.real()),
        (artifacts.observed("denoising"), lambda s: s.task_table("denoising")),
        (artifacts.NORMS / "observed.npz", lambda s: s.norms()),
        (artifacts.table("denoising"), lambda s: s.task_table("denoising")),
        (artifacts.table("norms"), lambda s: s.norm_table()),
        (artifacts.SOLVERS / "seconds.csv", lambda s: s.seconds()),
        (artifacts.prior("least_squares", "samples.npz"), lambda s: s.samples("least_squares")),
        (artifacts.CLASSIFIER / "accuracy.json", lambda s: s.accuracy()),
    ],
    ids=lambda value: str(value) if isinstance(value, Path) else "",
)
def test_a_missing_or_damaged_file_is_named(study, path, read):
    read(study)
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(UserError, match=f"^{path}: "):
        read(study)
    path.unlink()
    with pytest.raises(UserError, match=f"^{path}: no such file; `dvc repro` makes it"):
        read(study)


def test_restored_images_that_nobody_labelled_are_named(study):
    rewrite_labels("denoising", lambda labels: {name: own for name, own in labels.items() if "/map" not in name})
    with pytest.raises(UserError, match=r"data/labels/denoising\.npz: array 'least_squares/map' is missing"):
        study.by_prior("denoising", "least_squares")
    rewrite_labels("denoising", lambda labels: {name: own for name, own in labels.items() if name != "none/bm3d"})
    with pytest.raises(UserError, match=r"data/labels/denoising\.npz: array 'none/bm3d' is missing"):
        study.by_rivals("denoising")
    rewrite_labels("generated", lambda labels: {name: own for name, own in labels.items() if "observed" not in name})
    with pytest.raises(UserError, match=r"data/labels/generated\.npz: array 'least_squares/observed' is missing"):
        study.inverted("least_squares")


def test_files_of_another_number_of_images_are_refused(study):
    rewrite_labels("denoising", lambda labels: {name: own[:-1] for name, own in labels.items()})
    with pytest.raises(UserError, match=r"data/labels/denoising\.npz: array .* has shape \(11,\): allowed is \(12\)"):
        study.by_prior("denoising", "least_squares")
    observed = study.observed("inpainting")
    fewer = replace(
        observed,
        images=observed.images[:4],
        labels=observed.labels[:4],
        observation=observed.observation.rows(np.arange(4)),
        condition=observed.condition[:4],
    )
    save_observed({artifacts.observed("inpainting"): fewer})
    for read in (lambda: study.by_prior("inpainting", "least_squares"), lambda: study.by_rivals("inpainting")):
        with pytest.raises(UserError, match=r"data/restored/inpainting/.*\.npz: .* has shape"):
            read()


def test_solvers_hold_no_text(study):
    rows = study.solvers().assign(psnr="high")
    publish({artifacts.SOLVERS / "solvers.csv": table_writer(pd.DataFrame(rows))})
    with pytest.raises(
        UserError, match=r"data/solvers/solvers\.csv: psnr = 'high' in row 1: allowed is a finite number"
    ):
        study.solvers()
