"""The pipeline as a user runs it: in a copy of the project, with tiny parameters, through DVC and without it."""

import ast
import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml

import stages.restoration.refine as refining
from stages import check, fit_flow
from stages.pipeline import named
from stages.pipeline.errors import UserError
from stages.priors.flow_fit import Codes
from stages.priors.misfit import load_misfit
from stages.train import SOURCE
from tests.drawn import is_drawn
from tests.project import (
    COMBINATIONS,
    PRIORS,
    QUICKEN,
    RIVALS,
    ROOT,
    TABLES_AND_FIGURES,
    TINY,
    Project,
    of_each_prior,
    ran_stages,
)

SEARCHED = [*PRIORS, "vae-flow"]
METHODS = ["plain", "map", "posterior_mean"]
COLUMNS = {
    "training": "prior,epoch,d_steps,g_steps,d_loss,g_loss,real_logit,fake_logit,d_accuracy,g_grad_norm,loss_slope",
    "fidelity": "prior,epoch,frechet_distance,precision,recall,density,coverage,classes_covered,class_entropy",
    "inversion": "prior,method,source,n,psnr,psnr_low,psnr_high,mse,ssim,recovered,label_accuracy,z_norm",
    "denoising": "prior,method,sigma,n,psnr,psnr_low,psnr_high,mse,ssim,observed_psnr,label_accuracy",
    "inpainting": "prior,method,holes,n,hole_psnr,hole_psnr_low,hole_psnr_high,hole_mse,"
    "psnr,known_psnr,ssim,label_accuracy",
    "paired": "prior,task,method,against,condition,n,difference,difference_low,difference_high",
    "calibration": "prior,task,condition,n,coverage_50,coverage_50_low,coverage_50_high,"
    "coverage_90,coverage_90_low,coverage_90_high,std,r_hat,converged,effective_chains",
    "norms": "prior,corruption,norm,with_prior,n,psnr,psnr_low,psnr_high",
    "spectra": "prior,method,source,frequency,image_power,restored_power,residual_power,residual_share",
    "transfer": "prior,method,sigma,frequency,signal_gain,noise_gain",
    "noise": "prior,method,sigma,n,signal_gain,noise_gain,linear_gain,degrees_of_freedom,energy_share",
    "density": "model,images,bits_per_dim,low,high,n",
    "jacobian": "prior,index,singular_value,low,high,n",
    "flows": "prior,step,train,validation,normal",
    "likelihood": "prior,noise,floor,slope,least_bits,images,bound,n,nats,nats_low,nats_high,bits_per_dim,low,high",
    "features": "prior,method,source,feature,value,n,psnr,psnr_low,psnr_high,mse,residual_share,share_of_error,"
    "share_of_pixels",
    "traits": "prior,method,source,trait,n,kept",
    "modes": "data,loss,order,seed,modes,good_share,kl_uniform,visited,even_share",
    "inner_minimum": "data,loss,order,seed,highest,best,reached,excess,at_highest,spread,d_loss,constant",
    "saturation": "objective,age,seed,d_step,fake_logit,d_accuracy,loss_slope,logit_grad_norm,g_grad_norm,"
    "largest_slope,sample_grad_norm,loss_by_output,output_by_logit",
    "saturation_falls": "objective,age,seeds,d_steps,g_grad_fall,g_grad_fall_low,g_grad_fall_high,loss_slope_fall,"
    "loss_slope_fall_low,loss_slope_fall_high,logit_grad_fall,logit_grad_fall_low,logit_grad_fall_high,"
    "d_accuracy,loss_by_output,output_by_logit,bounded,bounded_by_mean",
    "saturation_grid": "loss,discriminator_steps,optimiser,batch_norm,seeds,saturated,diverged,"
    "gradient_ratio,update_ratio,loss_slope,d_accuracy,frechet_distance,coverage",
}
FIGURES = {
    "samples",
    "training",
    "fidelity",
    "inversion",
    "denoising",
    "denoising_psnr",
    "denoising_methods",
    "inpainting",
    "inpainting_psnr",
    "inpainting_methods",
    "completions",
    "calibration",
    "modes",
    "modes_hopping",
    "density",
    "norms",
    "search",
    "search_seconds",
    "spectra",
    "transfer",
    "features",
    "leads",
    "likelihood",
    "losses",
    "overview",
    "saturation",
    "saturation_slopes",
    "saturation_grid",
    "saturation_updates",
}


def snapshot(project: Project) -> dict[str, bytes]:
    entries = [
        path for name in ("metrics", "plots", "plots/figures") for path in sorted((project.folder / name).iterdir())
    ]
    files = [path for path in entries if path.is_file()]
    return {path.name: path.read_bytes() for path in [*files, project.folder / "dvc.lock"]}


def test_every_table_and_figure_is_there(ran):
    for name, columns in COLUMNS.items():
        path = ran.folder / "metrics" / f"{name}.csv"
        assert path.read_text().splitlines()[0] == columns.replace("prior", "prior,latent", 1)
    assert {path.stem for path in (ran.folder / "plots/figures").glob("*.png")} >= FIGURES
    for figure in FIGURES:
        assert is_drawn(ran.folder / "plots/figures" / f"{figure}.png"), figure


def test_rows_are_complete_and_paired(ran):
    tables = {name: pd.read_csv(ran.folder / "metrics" / f"{name}.csv", keep_default_na=False) for name in COLUMNS}
    for task, condition, values in (("denoising", "sigma", (0.0, 0.3)), ("inpainting", "holes", (1, 2))):
        cells = [tuple(row) for row in tables[task][["prior", "latent", "method", condition]].itertuples(index=False)]
        restorers = [(prior, "normal", method) for prior in PRIORS for method in (*METHODS, "combined")]
        restorers += [("vae", "flow", method) for method in (*METHODS[1:], "combined")]
        restorers += [("none", "none", method) for method in ("observed", *RIVALS[task], "combined")]
        assert cells == [(*restorer, value) for restorer in restorers for value in values]
        assert set(tables[task].n) == {4}
    assert tables["denoising"].groupby("sigma").observed_psnr.nunique().tolist() == [1, 1]
    assert (pd.to_numeric(tables["inpainting"].hole_psnr) > 0).all()
    inversion = tables["inversion"]
    assert list(dict.fromkeys(inversion.source)) == ["generated", "train", "test"]
    assert len(inversion) == 4 * 3 * 3 + 2  # priors, methods, sources


def test_each_image_is_observed_once_and_restored_in_one_form(ran):
    data = ran.folder / "data"
    for task in RIVALS:
        with np.load(data / "observed" / f"{task}.npz") as observed:
            shape = observed["y"].shape
        files = [data / "restored" / task / f"{prior}.npz" for prior in SEARCHED]
        files += [data / "restored" / task / "rivals" / f"{rival}.npz" for rival in RIVALS[task]]
        for file in files:
            with np.load(file) as restored:
                assert all(restored[method].shape == shape for method in restored["methods"])
                assert not {"images", "y", "mask", "sigma", "labels"} & set(restored.files)


def test_summary_has_a_score_for_each_condition(ran):
    summary = json.loads((ran.folder / "metrics" / "summary.json").read_text())
    assert list(summary["denoising"]) == ["psnr_0.3"] and list(summary["inpainting"]) == ["hole_psnr_1", "hole_psnr_2"]
    assert summary["fidelity"]["frechet_distance"] > 0 and summary["inversion"]["test_psnr"] > 0
    assert 0 < summary["classifier"]["test_accuracy"] < 1


def test_a_second_run_does_nothing(ran):
    before = snapshot(ran)
    assert ran_stages(ran.dvc("repro")) == set()
    assert ran.call("git", "status", "--porcelain").stdout == ""
    assert snapshot(ran) == before


def test_stage_scripts_run_without_dvc_and_give_the_same_bytes(ran):
    """All of them where no output of theirs is left, but `time_solvers`, which measures seconds, and the slow last two.

    Whether figures and report repeat their bytes is tested beside them.
    """
    folder = ran.folder
    locked = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]  # in the order in which they ran
    for name in ("time_solvers", "plot", "report"):
        del locked[name]
    outputs = [folder / out["path"] for stage in locked.values() for out in stage["outs"]]
    files = [file for out in outputs for file in (out.rglob("*") if out.is_dir() else [out]) if file.is_file()]
    before = {file: file.read_bytes() for file in files}
    for file in files:
        file.unlink()

    ran.stages([stage["cmd"].split()[3:] for stage in locked.values()], QUICKEN)

    assert {file for file in files if file.read_bytes() != before[file]} == set()
    assert ran_stages(ran.dvc("repro")) == set()


def marked(ran: Project) -> set[str]:
    """Stages that DVC calls changed; what hangs on their outputs runs again if those turn out different."""
    return set(json.loads(ran.dvc("status", "--json")))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rivals": {"inpainting": ["telea"]}}, {"run_rivals@inpainting", "combine@inpainting", "label", "measure"}),
        ({"inpainting": {"window": 7}}, {"observe@inpainting"}),
        ({"train": {"discriminator_steps": 1}}, of_each_prior("train@")),
        ({"norms": {"salt_and_pepper": 0.2}}, {"compare_norms"}),
        ({"likelihood": {"chains": 2}}, of_each_prior("likelihood@") | {"likelihood_of_flow@vae"}),
        ({"solvers": {"restarts": [1]}}, {"time_solvers"}),
        ({"modes": {"seeds": 2}}, {"modes"}),
        ({"judge": {"samples": 150}}, {"judge"}),
        ({"glow": {"width": 8}}, {"train_glow"}),
        ({"density": {"codes": 3}}, {"density"}),
        ({"measure": {"bootstrap": 120}}, {"measure"}),
        ({"tasks": ["denoising"]}, {"train_unet"} | TABLES_AND_FIGURES),
        (
            {"priors": ["least_squares"], "flows": []},
            {"density", "judge", "saturate", "compare_norms", "time_solvers"} | COMBINATIONS | TABLES_AND_FIGURES,
        ),
        ({"saturated": {"gradient_ratio": 0.1}}, {"measure"}),
        ({"saturate_grid": {"generator_steps": 4}}, {"saturate_grid"}),
        ({"saturate": {"codes": 5}}, {"saturate"}),
        ({"flow": {"steps": 30}}, {"fit_flow@vae"}),
        ({"flows": []}, {"density", "judge"} | COMBINATIONS | TABLES_AND_FIGURES),
        (
            {"search": {"posterior": {"temperature": 1.0}}},
            {f"run_prior@{task}-{p}" for task in RIVALS for p in PRIORS} | {f"run_flow@{task}-vae" for task in RIVALS},
        ),
    ],
)
def test_changed_parameters_mark_the_stages_that_take_them(ran, changes, expected):
    path = ran.folder / "params.yaml"
    good = path.read_text()
    try:
        ran.set_params(changes)
        assert marked(ran) == {"check", "report"} | expected  # the report lists parameters
    finally:
        path.write_text(good)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("stages/report/figures/norms.py", {"plot", "report"}),
        ("stages/report/sections/norm.md", {"report"}),
        ("stages/restoration/studies/norms.py", {"compare_norms"}),
        ("stages/restoration/studies/solvers.py", {"time_solvers"}),
        ("stages/restoration/rivals/tv.py", {"run_rivals@denoising", "run_rivals@inpainting"}),
        ("stages/restoration/tasks/inpainting.py", {"check", "observe@inpainting", "train_unet"}),
        ("stages/judging/traits.py", {"measure"}),
        (
            "stages/judging/annealed_importance.py",
            {"measure", "likelihood_of_flow@vae", *(f"likelihood@{prior}" for prior in PRIORS)},
        ),
        ("stages/priors/losses/minimax.py", {"train@minimax", "modes", "saturate", "saturate_grid"}),
        ("stages/priors/small_gans.py", {"saturate_grid"}),
        ("stages/priors/saturated.py", {"saturate_grid", "judge", "measure", "plot"}),
        ("stages/images/own_picture.py", {"check", "prepare"}),  # a moment, and its output stays the same
        ("stages/pipeline/storage.py", set()),
    ],
)
def test_an_edited_file_marks_the_stages_that_it_can_change(ran, file, expected):
    path = ran.folder / file
    source = path.read_text()
    try:
        path.write_text(source + "\n# edited\n")
        assert marked(ran) == expected
    finally:
        path.write_text(source)


def test_another_loss_trains_nothing_anew_that_is_trained(ran):
    path, loss = ran.folder / "params.yaml", ran.folder / "stages/priors/losses/another.py"
    good = path.read_text()
    try:
        loss.write_text((ran.folder / "stages/priors/losses/least_squares.py").read_text())
        ran.set_params({"priors": [*PRIORS, "another"]})
        of_another = {"train@another", "invert@another", "likelihood@another"}
        of_another |= {f"run_prior@{task}-another" for task in RIVALS}
        of_all = {"check", "density", "judge", "saturate", "compare_norms", "time_solvers"}
        of_all |= COMBINATIONS | TABLES_AND_FIGURES
        assert marked(ran) == of_all | of_another
    finally:
        path.write_text(good)
        loss.unlink()


def test_plots_show_without_errors(ran):
    specification = json.loads(ran.dvc("plots", "show", "--json"))
    assert "errors" not in specification
    for name in ("generator_gradient", "fake_logit", "denoising", "inpainting"):
        content = specification["data"][name][0]["content"]
        assert {point["prior"] for point in content["data"]["values"]} >= set(PRIORS)
        colour = content["encoding"]["color"]
        assert colour["field"] == "prior" and "domain" not in colour["scale"]  # so that any prior has a colour
        assert "!== ''" in content["transform"][0]["filter"]  # or the empty PSNR of an untouched image is drawn as 0
    assert set(specification["data"]) >= {f"plots/figures/{figure}.png" for figure in FIGURES}
    for name in ("discriminator_loss", "generator_loss"):
        filters = specification["data"][name][0]["content"]["transform"]
        assert any("d_loss" in step["filter"] for step in filters)  # a VAE's loss is of another kind and size
    assert specification["data"]["denoising"][0]["content"]["encoding"]["facet"]["columns"] == 3  # 900 pixels at most


def listing(project: Project) -> set[str]:
    data = project.folder / "data"
    return {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"measure": {"bootstrap": 3}}, "measure.bootstrap = 3: input should be greater than or equal to 100"),
        ({"train": {"epochs": 3}, "inpainting": {"window": 29}}, "inpainting.window = 29: allowed with these images"),
    ],
)
def test_a_bad_parameter_stops_before_anything_is_touched(ran, change, words):
    before, data = snapshot(ran), listing(ran)
    good = (ran.folder / "params.yaml").read_text()
    try:
        ran.set_params(change)
        result = ran.call("dvc", "repro")
        assert result.returncode != 0
        assert f"error: params.yaml: {words}" in result.stderr
        assert "Traceback" not in result.stderr
        assert "stages train" not in result.stdout
        assert listing(ran) == data - {"checked.json"}
    finally:
        (ran.folder / "params.yaml").write_text(good)
    assert snapshot(ran) == before
    assert ran_stages(ran.dvc("repro")) <= {"check"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": {"validation": 2400}}, "data.validation = 2400: allowed with these images is at most 2399"),
        ({"inpainting": {"window": 16}}, "inpainting.holes = 2: allowed with these images and inpainting.window = 16"),
        ({"norms": {"window": 16, "holes": [2]}}, "norms.holes = 2: allowed with these images and norms.window = 16"),
        ({"denoising": {"sigmas": [0.3, 0.1]}}, "denoising.sigmas = [0.3, 0.1]: each value once, in rising order"),
        ({"denoising": {"sigmas": [0.0]}}, "denoising.sigmas = [0.0]: one of them above 0"),
        ({"inpainting": {"side": 8}}, "inpainting.side is not a parameter"),
        ({"priors": ["no_such_loss"]}, "priors.0 = 'no_such_loss': allowed are "),
        ({"train": {"width": 100000}}, "train.width = 100000, train.latent_dim = 8"),
        ({"train": {"latent_dim": 10**9}}, "train.width = 4, train.latent_dim = 1000000000"),
    ],
)
def test_check_names_what_images_and_tasks_do_not_allow(ran, monkeypatch, change, words):
    monkeypatch.chdir(ran.folder)
    good = (ran.folder / "params.yaml").read_text()
    monkeypatch.setattr(sys, "argv", ["check"])
    try:
        ran.set_params(change)
        with pytest.raises(UserError) as raised:
            check.main()
        assert f"params.yaml: {words}" in str(raised.value)
    finally:
        (ran.folder / "params.yaml").write_text(good)


@pytest.mark.parametrize(
    ("stage", "arguments", "words"),
    [
        ("train", ["--prior", "no_such_loss"], "--prior = no_such_loss: params.yaml allows minimax, non_saturating"),
        ("train", [], "command line: the following arguments are required: --prior"),
        ("invert", ["--prior", "minimax", "--fast"], "command line: unrecognized arguments: --fast"),
        ("invert", ["--prior", "minimax"], "data/observed/inversion.npz: no such file"),
        ("run_prior", ["--task", "denoising", "--prior", "minimax"], "no such file; `dvc repro` makes it"),
        ("run_prior", ["--task", "blur", "--prior", "minimax"], "--task = blur: params.yaml allows denoising, inp"),
        ("measure", ["--fast"], "command line: unrecognized arguments: --fast"),
        ("measure", [], "data/observed/inversion.npz: no such file"),
        ("plot", [], "no such file; `dvc repro` makes it"),
        ("label", [], "data/observed/inversion.npz: no such file"),
        ("judge", [], "data/prepared/test.npz: no such file"),
        ("classify", [], "data/prepared/train.npz: no such file"),
        ("denoise", [], "'denoise' is no stage: allowed are check, classify,"),
    ],
)
def test_stages_name_what_is_missing(tmp_path, stage, arguments, words):
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project", TINY)
    before = listing(project)
    result = project.stage(stage, *arguments)
    assert result.returncode == 1
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert listing(project) == before


# Damaged and foreign files.


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: min(60, len(content) // 2)])


def turned_to_text(path: Path) -> None:
    path.write_text("the dog ate it\n")


def turned_to_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def removed(path: Path) -> None:
    path.unlink()


def with_arrays(change: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with np.load(path) as archive:
            arrays = dict(archive)
        change(arrays)
        np.savez(path.with_suffix(""), **arrays)

    return damage


def without_first_array(arrays: dict[str, np.ndarray]) -> None:
    del arrays[next(iter(arrays))]


def with_another_array(arrays: dict[str, np.ndarray]) -> None:
    arrays["foreign"] = np.array("something else")


def with_nan(arrays: dict[str, np.ndarray]) -> None:
    for array in arrays.values():
        if array.dtype.kind == "f":
            array.flat[0] = np.nan


def with_fewer_images(arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if array.ndim:
            arrays[name] = array[:-1]


def in_other_numbers(arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if array.dtype.kind in "fu":
            arrays[name] = array.astype(np.int64)


def with_table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)

    return damage


def without_its_last_column(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:, :-1]


def with_text_for_a_number(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{table.columns[-1]: "much"})


def without_rows(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:0]


def without_a_prior(table: pd.DataFrame) -> pd.DataFrame:
    return table[table.prior != "non_saturating"]


def without_a_bound(table: pd.DataFrame) -> pd.DataFrame:
    return table[table.bound != "upper"]


ANY_FILE = [removed, emptied, cut, turned_to_text, turned_to_a_folder]
FLOATS_ONLY, FEWER = with_arrays(with_nan), with_arrays(with_fewer_images)
NOT_FEWER = [
    *ANY_FILE,
    FLOATS_ONLY,
    *map(with_arrays, (without_first_array, with_another_array, in_other_numbers)),
]
NPZ = [*NOT_FEWER, FEWER]
CSV = [
    *ANY_FILE[:3],
    turned_to_a_folder,
    *map(with_table, (without_its_last_column, with_text_for_a_number, without_rows)),
]
OF_PRIORS = [*CSV, with_table(without_a_prior)]
COMBINE = ["combine", "--task", "inpainting"]
RUN_PRIOR = ["run_prior", "--task", "inpainting", "--prior", "minimax"]
PLOT = ["plot"]  # with the name of the figure that reads the file: to draw those before it takes seconds
READERS = [  # a file, the stage that reads it, what can become of it
    ("data/prepared/test.npz", ["judge"], [*ANY_FILE, *map(with_arrays, (without_first_array, in_other_numbers))]),
    ("data/prepared/images.npy", ["judge"], ANY_FILE),
    ("data/prepared/images.json", ["judge"], ANY_FILE),
    ("data/classifier/classifier.safetensors", ["label"], ANY_FILE),
    ("data/classifier/accuracy.json", ["measure"], ANY_FILE),
    ("data/priors/minimax.safetensors", RUN_PRIOR, ANY_FILE),
    ("data/training/minimax/generator_1.safetensors", ["judge"], ANY_FILE),
    ("data/training/minimax/history.csv", ["measure"], CSV),
    ("data/training/vae/encoder.safetensors", ["fit_flow", "--prior", "vae"], ANY_FILE[1:]),
    ("data/unet/unet.safetensors", ["run_rivals", "--task", "inpainting"], ANY_FILE),
    ("data/priors/vae-flow.safetensors", ["run_prior", "--task", "inpainting", "--prior", "vae-flow"], ANY_FILE),
    ("data/training/vae-flow/history.csv", ["measure"], CSV),
    ("data/likelihood/minimax.csv", ["measure"], [*CSV, with_table(without_a_bound)]),
    ("data/training/minimax/samples.npz", [*PLOT, "samples"], [*ANY_FILE, with_arrays(in_other_numbers)]),
    ("data/glow/glow.safetensors", ["density"], ANY_FILE),
    ("data/density/bits.npz", ["measure"], NOT_FEWER),
    ("data/density/jacobian.npz", ["measure"], NOT_FEWER),
    ("data/judged/fidelity.csv", ["measure"], OF_PRIORS),
    ("data/judged/small_gans.csv", ["measure"], CSV),
    ("data/saturation/gradients.csv", ["measure"], CSV),
    ("data/saturation/logits.npz", [*PLOT, "saturation"], NOT_FEWER),
    ("data/saturation_grid/histories.csv", ["measure"], CSV),
    ("data/saturation_grid/samples.npz", ["judge"], ANY_FILE),
    ("data/misfit/minimax.json", RUN_PRIOR, ANY_FILE),
    ("data/observed/inpainting.npz", RUN_PRIOR, NOT_FEWER),
    ("data/observed/tuning/inpainting.npz", ["run_rivals", "--task", "inpainting"], NOT_FEWER),
    ("data/observed/generated/minimax.npz", ["measure"], NOT_FEWER),
    ("data/restored/inpainting/minimax.npz", ["measure"], NPZ),
    ("data/restored/inpainting/rivals/telea.npz", ["label"], NPZ),
    ("data/tuned/inpainting/minimax.npz", COMBINE, NPZ),
    ("data/tuned/inpainting/rivals/telea.npz", COMBINE, NPZ),
    ("data/combined/inpainting/minimax.npz", ["measure"], NPZ),
    ("data/combined/inpainting/none.npz", ["label"], NPZ),
    ("data/labels/inpainting.npz", ["measure"], [damage for damage in NPZ if damage is not FLOATS_ONLY]),
    ("data/norms/restored.npz", ["measure"], NPZ),
    ("data/modes/samples.npz", ["judge_modes"], [damage for damage in NPZ if damage is not FEWER]),
    ("data/modes/inner_minimum.csv", ["measure"], CSV),
    ("data/judged_modes/modes.csv", ["measure"], CSV),
    ("data/solvers/solvers.csv", [*PLOT, "search"], CSV),
    ("data/solvers/seconds.csv", [*PLOT, "search"], CSV),
    ("metrics/denoising.csv", [*PLOT, "tasks"], OF_PRIORS),
    ("metrics/features.csv", [*PLOT, "features"], OF_PRIORS),
]


@pytest.fixture
def kept(ran):
    """The run pipeline, whose files are put back afterwards."""
    copies: dict[Path, bytes] = {}

    def keep(path: Path) -> Path:
        copies[path] = path.read_bytes()
        path.unlink()  # a file that DVC linked into the workspace may be read-only
        path.write_bytes(copies[path])
        return path

    yield keep
    for path, content in copies.items():
        if path.is_dir():
            path.rmdir()
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "stage", "damage"),
    [(file, stage, damage) for file, stage, damages in READERS for damage in damages],
)
def test_a_damaged_file_is_one_line_that_names_it(ran, kept, monkeypatch, file, stage, damage):
    monkeypatch.chdir(ran.folder)
    damaged = kept(ran.folder / file)
    before = snapshot(ran)
    damage(damaged)
    if stage[:1] == PLOT:
        names = named.names
        monkeypatch.setattr(named, "names", lambda kind: stage[1:] if kind == named.FIGURES else names(kind))
    monkeypatch.setattr(sys, "argv", stage if stage[:1] != PLOT else PLOT)
    with pytest.raises(UserError) as raised:
        importlib.import_module(f"stages.{stage[0]}").main()
    plt.close("all")  # what `plot` had begun
    assert str(raised.value).startswith(file) and "\n" not in str(raised.value)
    after = snapshot(ran)
    assert {name for name in before | after if before.get(name) != after.get(name)} <= {damaged.name}


def test_a_prior_without_an_encoder_gets_one_whose_codes_are_refined(ran, kept, monkeypatch, capsys):
    monkeypatch.chdir(ran.folder)
    flow = kept(ran.folder / "data/priors/vae-flow.safetensors")
    history = kept(ran.folder / "data/training/vae-flow/history.csv")
    own, table = flow.read_bytes(), history.read_bytes()
    kept(ran.folder / "data/training/vae/encoder.safetensors").unlink()
    monkeypatch.setattr(sys, "argv", ["fit_flow", "--prior", "vae"])
    refined = []

    def refine(*arguments):
        codes = next(one for one in arguments if isinstance(one, Codes))
        refined.append((codes.mean, refining.refine(*arguments).mean))
        return replace(codes, mean=refined[-1][1])

    monkeypatch.setattr(fit_flow, "refine", refine)
    fit_flow.main()
    assert "codes of validation images are" in capsys.readouterr().err
    assert flow.read_bytes() != own and history.read_bytes() != table
    assert len(refined) == 2 and all((after != before).any(dim=1).float().mean() > 0.5 for before, after in refined)


@pytest.mark.parametrize("slope", [-0.1, 7.0, "steep", None, True])
def test_a_misfit_that_no_images_can_have_is_refused(ran, kept, monkeypatch, slope):
    monkeypatch.chdir(ran.folder)
    kept(ran.folder / "data/misfit/minimax.json").write_text(json.dumps({"slope": slope, "fitted_slope": 0.1}))
    with pytest.raises(UserError, match=r"data/misfit/minimax.json: slope = .*: allowed is 0 to 2"):
        load_misfit("minimax")


def test_tables_and_figures_never_load_torch(ran):
    for stage in ("measure", "plot"):
        code = f"import sys, stages.{stage}; sys.exit('torch' in sys.modules)"
        assert ran.call("python", "-c", code).returncode == 0


def test_dependencies_name_whole_outputs():
    """DVC cannot take a stage from its run-cache when a dependency lies inside an output that only dvc.lock knows.

    So it is in any fresh clone in which an experiment is run a second time.
    """
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    outputs = [str(out) for stage in stages for out in stage.get("outs", []) if isinstance(out, str)]
    for dependency in {dependency for stage in stages for dependency in stage["deps"]}:
        assert not [out for out in outputs if dependency.startswith(f"{out}/")], dependency


def test_packages_hold_no_code():
    """`imported` does not look into them, so nothing that a result depends on may stand there."""
    for path in (ROOT / "stages").rglob("__init__.py"):
        (statement,) = ast.parse(path.read_text()).body
        assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


# Modules that results pass through unchanged: files, messages, checks, what holds arrays together. An edit there
# re-runs nothing, or every word in a message would retrain three GANs; whoever changes how a result is written runs
# `dvc repro --force`.
PLUMBING = {
    *(path.relative_to(ROOT).as_posix() for path in (ROOT / "stages/pipeline").glob("*.py")),
    "stages/images/counts.py",
    "stages/images/source.py",
    "stages/images/splits.py",
    "stages/images/stored.py",
    "stages/priors/trained.py",
    "stages/report/schemas.py",
    "stages/report/study.py",
    "stages/restoration/observed.py",
    "stages/restoration/restored.py",
    "stages/restoration/task.py",
}


def imported(module: Path, known: frozenset[str] = frozenset()) -> set[str]:
    """The modules, as paths from the root, that a module's results depend on: what it imports, in turn.

    Those that are `known` are not looked into again: two may name each other's types.
    """
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stages"):
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                path = Path(*name.split(".")).with_suffix(".py").as_posix()
                if (ROOT / path).exists() and path not in PLUMBING and path not in known | found:
                    found |= {path} | imported(ROOT / path, known | found | {path})
    return found


def test_a_checkpoint_depends_on_all_that_training_imports():
    needed = {"stages/pipeline/checkpoint.py", "stages/priors/training.py"} | imported(
        ROOT / "stages/priors/training.py"
    )
    for loss in named.names(named.LOSSES):
        needed |= imported(ROOT / named.LOSSES / f"{loss}.py")
    assert needed <= {path.as_posix() for path in SOURCE}


BY_NAME = (named.LOSSES, named.TASKS, named.RIVALS, named.SOURCES, named.FIGURES)
# What those that a stage finds by a name in params.yaml import in their turn.
USED_BY_NAMED = {
    "check": {"stages/images", "stages/restoration/windows.py"},
    "prepare": {"stages/images", "stages/pipeline/numerics"},
    "observe": {"stages/images/ground.py", "stages/restoration/observation.py", "stages/restoration/windows.py"},
    "run_rivals": {"stages/restoration/linear_model.py", "stages/restoration/opencv.py", "stages/restoration/unet.py"},
    "plot": {
        *(f"stages/priors/{noun}.py" for noun in ("max_min/coordinates", "max_min/mixtures", "saturated", "slopes")),
        *("stages/pipeline/numerics/pixels.py", "stages/report/latents.py", "stages/restoration/norm_names.py"),
    },
    "train": {f"stages/priors/{noun}.py" for noun in ("adversarial", "evidence", "gan_loss", "misfit")},
    "train_unet": {"stages/images/ground.py", "stages/restoration/windows.py"},
}


def test_dependencies_are_what_a_stage_imports():
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        verb = stage["cmd"].split()[3]  # python -m stages VERB
        needed = imported(ROOT / "stages" / f"{verb}.py") | {f"stages/{verb}.py"}
        declared = {dep for dep in stage["deps"] if dep.startswith("stages/")}
        covered = {path for path in needed if any(path == dep or path.startswith(dep + "/") for dep in declared)}
        assert needed == covered, name
        unused = {dep for dep in declared if not any(path == dep or path.startswith(dep + "/") for path in needed)}
        by_name = {dep for dep in unused if dep.split("/${")[0] in BY_NAME}
        assert unused - by_name - PLUMBING <= USED_BY_NAMED.get(verb, set()), name


def test_no_side_study_is_imported_by_the_main_path():
    for name in ("invert", "run_prior", "run_rivals", "train", "label"):
        assert not [path for path in imported(ROOT / "stages" / f"{name}.py") if "/studies/" in path]


def test_stages_scripts_are_short_and_dvc_yaml_is_too():
    for path in (ROOT / "stages").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 60, path.name
    written = (ROOT / "dvc.yaml").read_text()
    assert len(written.splitlines()) <= 10 * (len(yaml.safe_load(written)["stages"]) + 2)
