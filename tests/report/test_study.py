"""A study on the disk: what is read, and what is refused because it is missing, damaged or of another study."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.judging.scores import Labels
from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.storage import Arrays, array_writer, publish, table_writer
from stages.report.schemas import COLUMNS
from stages.report.study import Study
from stages.restoration.observed import Observed, observed_writer

BY_METHOD = {  # the methods of every prior that a table must have rows of
    **dict.fromkeys(("inversion", "spectra", "features", "traits"), ("plain", "map", "whitened")),
    **dict.fromkeys(("transfer", "noise"), ("plain", "map")),
}
TABLES = ["training", "fidelity", "likelihood", "paired", "calibration", *BY_METHOD]


def with_priors(study: Study, *priors: str) -> Study:
    """Another study with other priors in the same folder."""
    flows = [prior for prior in study.params.flows if prior in priors]
    return Study(study.params.model_copy(update={"priors": list(priors), "flows": flows}))


def rewrite(path: Path, change: Callable[[Arrays], Arrays]) -> None:
    """Put other arrays in an npz."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    publish({path: array_writer(change(arrays))})


def drop_rows(name: str, prior: str, method: str | None = None) -> Path:
    """Take what one prior, or one of its methods, has in a table of metrics/ out of it."""
    path = artifacts.table(name)
    table = pd.read_csv(path, keep_default_na=False, dtype=str)
    dropped = table.prior == prior if method is None else (table.prior == prior) & (table.method == method)
    assert dropped.any() and not dropped.all()
    publish({path: table_writer(table[~dropped])})
    return path


def rows_of(observed: Observed, which: np.ndarray) -> Observed:
    return replace(
        observed,
        images=observed.images[which],
        labels=observed.labels[which],
        observation=observed.observation.rows(which),
        condition=observed.condition[which],
    )


def prior_labels(study: Study) -> Labels:
    return study.labels("denoising", "least_squares", study.by_prior("denoising", "least_squares"))


def test_what_a_prior_made_stands_beside_what_was_seen(study):
    seen = study.by_prior("denoising", "non_saturating")
    labels = study.labels("denoising", "non_saturating", seen)
    assert list(seen.restored.images) == list(labels) == ["plain", "map", "posterior_mean", "combined"]
    assert seen.observed.conditions == ["0", "0.3", "0.6"]
    assert all(len(own) == len(seen.observed.images) == 12 for own in labels.values())
    other = study.by_prior("denoising", "least_squares")
    assert np.array_equal(other.observed.observation.y, seen.observed.observation.y)
    assert not np.array_equal(other.restored.images["map"], seen.restored.images["map"])


def test_what_was_observed_is_the_first_of_the_rivals(study):
    seen = study.by_rivals("inpainting")
    assert (
        list(seen.restored.images)
        == list(study.labels("inpainting", "none", seen))
        == ["observed", "telea", "combined"]
    )
    assert np.array_equal(seen.restored.images["observed"], seen.observed.observation.y)
    alone = Study(study.params.model_copy(update={"rivals": {"inpainting": []}})).by_rivals("inpainting")
    assert list(alone.restored.images) == list(study.labels("inpainting", "none", alone)) == ["observed"]


def test_real_images_are_their_own_restorations(study):
    seen = study.real()
    assert np.array_equal(seen.restored.images["observed"], seen.observed.images)
    assert seen.observed.conditions == ["train", "test"]


def test_inverted_images_are_those_of_the_prior_and_then_the_real_ones(study):
    seen = study.inverted("non_saturating")
    assert seen.observed.conditions == ["generated", "train", "test"]
    assert np.array_equal(seen.observed.images[4:], study.real().observed.images)
    assert seen.observed.labels is None
    # What nobody has labelled is taken for what the classifier sees in it: rings and bars, the prior's own order.
    labels = study.inverted_labels("non_saturating")
    assert labels["observed"].tolist() == [0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0]
    assert study.inverted_labels("least_squares")["observed"].tolist()[:4] == [1, 1, 0, 0]
    assert labels.keys() == {"observed", *seen.restored.images}
    assert all(len(array) == 12 for array in [*seen.restored.images.values(), *labels.values()])
    assert {codes.shape for codes in seen.restored.codes.values()} == {(12, 5)}


def test_labels_of_inverted_images_are_of_the_prior_and_method_that_made_them(study):
    methods = ("observed", "plain", "map", "whitened")
    generated = {f"non_saturating/{method}": number for number, method in enumerate(methods, 10)}
    real = {f"non_saturating/{method}": number for number, method in enumerate(methods, 20)}
    for task, numbers in (("generated", generated), ("inversion", real)):
        rewrite(
            artifacts.labels(task),
            lambda labels, n=numbers: {k: np.full_like(own, n.get(k, 99)) for k, own in labels.items()},
        )
    labels = study.inverted_labels("non_saturating")
    assert {method: own.tolist() for method, own in labels.items()} == {
        "observed": [10] * 4 + study.real().observed.labels.tolist(),
        "plain": [11] * 4 + [21] * 8,
        "map": [12] * 4 + [22] * 8,
        "whitened": [13] * 4 + [23] * 8,
    }


def test_without_labels_nothing_is_seen_in_images(pictures):
    assert not pictures.labelled and pictures.accuracy() is None
    assert pictures.labels("denoising", "non_saturating", pictures.by_prior("denoising", "non_saturating")) is None
    assert pictures.labels("inversion", "none", pictures.real()) is None
    assert pictures.inverted_labels("non_saturating") is None


def test_small_things_are_read_as_they_were_written(study):
    assert study.accuracy() == 0.98
    assert study.history("least_squares").epoch.tolist() == [1, 2]
    samples = study.samples()
    assert list(samples) == ["least_squares", "non_saturating"]
    for own in samples.values():
        assert {epoch: images.shape for epoch, images in own.items()} == {1: (64, 1, 28, 28), 2: (64, 1, 28, 28)}
    assert list(study.restarts().restarts) == [1, 2, 4]
    assert len(study.solvers()) == len(study.seconds()) == 4
    observed, norms = study.norms()
    assert observed.conditions == ["clean", "windows_1"] and len(norms.images) == 4


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_one_of_the_priors_is_refused_by_name(study, name):
    assert set(study.table(name).prior) >= set(study.priors)
    words = "minimax plain" if name in BY_METHOD else "minimax ?"
    with pytest.raises(UserError, match=rf"^metrics/{name}\.csv: has no rows of {words}: run `dvc repro`"):
        with_priors(study, "least_squares", "minimax").table(name)


@pytest.mark.parametrize(("name", "method"), [(name, method) for name, own in BY_METHOD.items() for method in own])
def test_a_table_without_a_method_of_one_of_the_priors_is_refused_by_name(study, name, method):
    assert set(study.table(name).query("prior == 'non_saturating'").method) == set(BY_METHOD[name])
    path = drop_rows(name, "non_saturating", method)
    with pytest.raises(UserError, match=f"^{path}: has no rows of non_saturating {method}: run `dvc repro`"):
        study.table(name)


@pytest.mark.parametrize("task", ["denoising", "inpainting"])
def test_the_table_of_a_task_without_one_of_the_priors_is_refused_by_name(study, task):
    study.task_table(task)
    path = drop_rows(task, "non_saturating")
    with pytest.raises(UserError, match=f"^{path}: has no rows of non_saturating plain: run `dvc repro`"):
        study.task_table(task)


@pytest.mark.parametrize("task", ["denoising", "inpainting"])
@pytest.mark.parametrize("method", ["plain", "map", "posterior_mean", "combined"])
def test_the_table_of_a_task_without_a_method_of_one_of_the_priors_is_refused_by_name(study, task, method):
    path = drop_rows(task, "non_saturating", method)
    with pytest.raises(UserError, match=f"^{path}: has no rows of non_saturating {method}: run `dvc repro`"):
        study.task_table(task)


def test_fidelity_without_one_of_the_priors_is_refused_by_name(study):
    with pytest.raises(UserError, match=r"data/judged/fidelity\.csv: has no rows of minimax: run `dvc repro`"):
        with_priors(study, "minimax").fidelity()


def test_fidelity_without_that_of_real_images_is_refused_by_name(study):
    table = study.fidelity()
    path = drop_rows("fidelity", "none")
    with pytest.raises(UserError, match=f"^{path}: has no rows of none: run `dvc repro`"):
        study.table("fidelity")
    publish({artifacts.FIDELITY: table_writer(table[table.prior != "none"])})
    with pytest.raises(UserError, match=f"^{artifacts.FIDELITY}: has no rows of none: run `dvc repro`"):
        study.fidelity()


def test_the_table_of_norms_is_about_one_prior(study):
    assert set(study.table("norms").prior) == {"non_saturating"}
    with pytest.raises(UserError, match=r"^metrics/norms\.csv: has no rows of least_squares: run `dvc repro`"):
        with_priors(study, "least_squares").table("norms")


def test_samples_of_other_epochs_than_the_first_priors_are_refused_by_name(study):
    path = artifacts.training("non_saturating", "samples.npz")
    rewrite(path, lambda samples: {"epoch_1": samples["epoch_1"], "epoch_3": samples["epoch_2"]})
    with pytest.raises(UserError, match=rf"^{path}: epochs \[1, 3\], others \[1, 2\]: run `dvc repro`"):
        study.samples()


def test_text_among_numbers_is_refused_by_name(study):
    path = artifacts.table("inversion")
    path.write_text(
        path.read_text().replace("least_squares,normal,plain,train,4,", "least_squares,normal,plain,train,four,")
    )
    with pytest.raises(UserError, match=r"metrics/inversion\.csv: n = 'four' in row 2: allowed is at least 1"):
        study.table("inversion")


def test_a_table_without_a_column_or_of_another_task_is_refused_by_name(study):
    table = pd.read_csv(artifacts.table("spectra")).drop(columns="residual_share")
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
        (artifacts.combined("inpainting", "none"), lambda s: s.by_rivals("inpainting")),
        (artifacts.combined("denoising", "least_squares"), lambda s: s.by_prior("denoising", "least_squares")),
        (artifacts.restored_by_prior("generated", "least_squares"), lambda s: s.inverted("least_squares")),
        (artifacts.restored_by_prior("inversion", "least_squares"), lambda s: s.inverted("least_squares")),
        (artifacts.generated("least_squares"), lambda s: s.inverted("least_squares")),
        (artifacts.generated("least_squares"), lambda s: s.inverted_labels("least_squares")),
        (artifacts.labels("denoising"), prior_labels),
        (artifacts.labels("generated"), lambda s: s.inverted_labels("least_squares")),
        (artifacts.labels("inversion"), lambda s: s.inverted_labels("least_squares")),
        (artifacts.labels("inversion"), lambda s: s.labels("inversion", "none", s.real())),
        (artifacts.observed("inversion"), lambda s: s.real()),
        (artifacts.observed("denoising"), lambda s: s.task_table("denoising")),
        (artifacts.NORMS / "observed.npz", lambda s: s.norms()),
        (artifacts.table("denoising"), lambda s: s.task_table("denoising")),
        (artifacts.table("norms"), lambda s: s.table("norms")),
        (artifacts.SOLVERS / "seconds.csv", lambda s: s.seconds()),
        (artifacts.training("least_squares", "samples.npz"), lambda s: s.samples()),
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
    path = artifacts.labels("denoising")
    rewrite(path, lambda labels: {name: own for name, own in labels.items() if "/map" not in name})
    with pytest.raises(UserError, match=r"data/labels/denoising\.npz: array 'least_squares/map' is missing"):
        prior_labels(study)
    rewrite(path, lambda labels: {name: own for name, own in labels.items() if name != "none/bm3d"})
    with pytest.raises(UserError, match=r"data/labels/denoising\.npz: array 'none/bm3d' is missing"):
        study.labels("denoising", "none", study.by_rivals("denoising"))
    path = artifacts.labels("generated")
    rewrite(path, lambda labels: {name: own for name, own in labels.items() if "observed" not in name})
    with pytest.raises(UserError, match=r"data/labels/generated\.npz: array 'least_squares/observed' is missing"):
        study.inverted_labels("least_squares")


@pytest.mark.parametrize(
    ("task", "missing"),
    [
        *(("denoising", name) for name in ("plain_codes", "map_codes", "posterior_std", "r_hat")),
        *((task, f"{name}_codes") for task in ("inversion", "generated") for name in ("plain", "map", "whitened")),
    ],
)
def test_what_a_prior_made_without_its_codes_or_its_spread_is_refused_by_name(study, task, missing):
    path = artifacts.restored_by_prior(task, "least_squares")
    rewrite(path, lambda arrays: {name: own for name, own in arrays.items() if name != missing})
    with pytest.raises(UserError, match=f"^{path}: array '{missing}' is missing"):
        study.by_prior(task, "least_squares") if task == "denoising" else study.inverted("least_squares")


@pytest.mark.parametrize(
    ("task", "found", "allowed"),
    [
        ("denoising", ["plain", "map"], "plain, map, posterior_mean"),
        ("denoising", ["map", "plain", "posterior_mean"], "plain, map, posterior_mean"),
        ("inversion", ["plain", "map"], "plain, map, whitened"),
    ],
)
def test_what_a_prior_made_by_other_methods_is_refused_by_name(study, task, found, allowed):
    path = artifacts.restored_by_prior(task, "least_squares")
    rewrite(path, lambda arrays: arrays | {"methods": np.array(found)})
    with pytest.raises(UserError, match=f"^{path}: its methods are {', '.join(found)}: allowed are {allowed}"):
        study.by_prior(task, "least_squares") if task == "denoising" else study.inverted("least_squares")


@pytest.mark.parametrize(
    "change",
    [
        lambda observed: replace(observed, condition_name="sigma"),
        lambda observed: rows_of(observed, np.arange(4)),
        lambda observed: rows_of(observed, np.array([4, 5, 6, 7, 0, 1, 2, 3])),
    ],
    ids=["another name", "fewer conditions", "another order"],
)
def test_what_was_observed_under_another_grid_than_that_of_params_is_refused_by_name(study, change):
    path = artifacts.observed("inpainting")
    publish({path: observed_writer(change(study.observed("inpainting")))})
    for read in (
        lambda: study.observed("inpainting"),
        lambda: study.by_prior("inpainting", "least_squares"),
        lambda: study.by_rivals("inpainting"),
        lambda: study.task_table("inpainting"),
    ):
        with pytest.raises(UserError, match=rf"^{path}: .* params\.yaml asks for \['1', '2'\]: run `dvc repro`"):
            read()


def test_files_of_another_number_of_images_are_refused(study):
    rewrite(artifacts.labels("denoising"), lambda labels: {name: own[:-1] for name, own in labels.items()})
    with pytest.raises(UserError, match=r"data/labels/denoising\.npz: array .* has shape \(11,\): allowed is \(12\)"):
        prior_labels(study)
    fewer = rows_of(study.observed("inpainting"), np.array([0, 1, 4, 5]))  # of each condition
    publish({artifacts.observed("inpainting"): observed_writer(fewer)})
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


@pytest.mark.parametrize("name", ["calibration", "paired"])
def test_a_table_with_rows_of_another_task_is_refused(study, name):
    fewer = Study(study.params.model_copy(update={"tasks": study.params.tasks[:1]}))
    with pytest.raises(UserError, match=rf"^metrics/{name}\.csv: has rows of the task inpainting: run `dvc repro`"):
        fewer.table(name)
