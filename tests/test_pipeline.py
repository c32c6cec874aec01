"""The pipeline as a user runs it: in a copy of the project, with tiny parameters, through DVC and without it."""

import ast
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.restoration.names import DENOISERS, INPAINTERS, METHODS
from stages.train import SOURCE
from tests.project import ROOT, TINY, Project

LOSSES = ["minimax", "non_saturating", "least_squares"]
COLUMNS = {
    "training": "loss,epoch,d_steps,g_steps,d_loss,g_loss,real_logit,fake_logit,d_accuracy,g_grad_norm,loss_slope",
    "fidelity": "loss,epoch,frechet_distance,precision,recall,density,coverage,classes_covered,class_entropy",
    "inversion": "loss,method,source,n,psnr,psnr_low,psnr_high,mse,ssim,recovered,label_accuracy,z_norm",
    "denoising": "loss,method,sigma,n,psnr,psnr_low,psnr_high,mse,ssim,observed_psnr,label_accuracy",
    "inpainting": "loss,method,holes,n,hole_psnr,hole_psnr_low,hole_psnr_high,hole_mse,"
    "psnr,known_psnr,ssim,label_accuracy",
    "paired": "loss,task,method,against,condition,n,difference,difference_low,difference_high",
    "calibration": "loss,task,condition,n,coverage_50,coverage_50_low,coverage_50_high,"
    "coverage_90,coverage_90_low,coverage_90_high,std,r_hat,converged,effective_chains",
    "norms": "loss,corruption,norm,prior,n,psnr,psnr_low,psnr_high",
    "spectra": "loss,method,source,frequency,image_power,restored_power,residual_power,residual_share",
    "transfer": "loss,method,sigma,frequency,signal_gain,noise_gain",
    "noise": "loss,method,sigma,n,signal_gain,noise_gain,linear_gain,degrees_of_freedom,energy_share",
    "features": "loss,method,source,feature,value,n,psnr,psnr_low,psnr_high,mse,residual_share,share_of_error,"
    "share_of_pixels",
    "traits": "loss,method,source,trait,n,kept",
}
FIGURES = {
    "samples",
    "training",
    "fidelity",
    "inversion",
    "denoising",
    "denoising_psnr",
    "inpainting",
    "inpainting_psnr",
    "completions",
    "calibration",
    "norms",
    "search",
    "spectra",
    "transfer",
    "features",
}


@pytest.fixture(scope="module")
def ran(project) -> Project:
    """The tiny pipeline, run once and committed."""
    assert project.call("git", "init", "-q").returncode == 0
    project.commit("start")
    project.dvc("repro")
    project.commit("results")
    return project


def ran_stages(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def snapshot(project: Project) -> dict[str, bytes]:
    files = [path for name in ("metrics", "plots") for path in sorted((project.folder / name).iterdir())]
    return {path.name: path.read_bytes() for path in [*files, project.folder / "dvc.lock"]}


def test_every_table_and_figure_is_there(ran):
    for name, columns in COLUMNS.items():
        path = ran.folder / "metrics" / f"{name}.csv"
        assert path.read_text().splitlines()[0] == columns
    assert {path.stem for path in (ran.folder / "plots").glob("*.png")} == FIGURES
    for figure in FIGURES:
        assert (ran.folder / "plots" / f"{figure}.png").stat().st_size > 5000


def test_rows_are_complete_and_paired(ran):
    denoising = pd.read_csv(ran.folder / "metrics" / "denoising.csv", keep_default_na=False)
    cells = {(row.loss, row.method, row.sigma) for row in denoising.itertuples()}
    assert cells == {("none", method, s) for method in ("observed", *DENOISERS) for s in (0.0, 0.3)} | {
        (loss, method, s) for loss in LOSSES for method in METHODS for s in (0.0, 0.3)
    }
    assert set(denoising.n) == {4}
    assert denoising.groupby("sigma").observed_psnr.nunique().tolist() == [1, 1]
    inversion = pd.read_csv(ran.folder / "metrics" / "inversion.csv")
    assert list(dict.fromkeys(inversion.source)) == ["train", "test", "generated"]
    inpainting = pd.read_csv(ran.folder / "metrics" / "inpainting.csv", keep_default_na=False)
    assert len(inversion) == 2 + 3 * 3 * 3  # losses, methods, sources
    assert len(inpainting) == (1 + len(INPAINTERS)) * 2 + 3 * 3 * 2  # losses, methods, numbers of windows
    assert (pd.to_numeric(inpainting.hole_psnr) > 0).all()


def test_summary_has_keys_that_all_losses_share(ran):
    summary = json.loads((ran.folder / "metrics" / "summary.json").read_text())
    for group, name in {"denoising": "psnr", "inpainting": "hole_psnr", "inversion": "test_psnr"}.items():
        assert summary[group]["best"][name] == max(summary[group][loss][name] for loss in LOSSES)
    assert summary["fidelity"]["best"]["frechet_distance"] > 0
    assert 0 < summary["classifier"]["test_accuracy"] < 1


def test_a_second_run_does_nothing(ran):
    before = snapshot(ran)
    assert ran_stages(ran.dvc("repro")) == set()
    assert ran.call("git", "status", "--porcelain").stdout == ""
    assert snapshot(ran) == before


def test_every_stage_run_again_gives_the_same_bytes(ran):
    """By force and past the run-cache; dvc.lock holds the hashes of all outputs, the cached ones too.

    `solvers` is left out: it measures seconds.
    """
    before = snapshot(ran)
    per_loss = [f"{verb}@least_squares" for verb in ("train", "invert", "denoise", "inpaint")]
    for stage in ["check", "prepare", "classify", "baselines", *per_loss, "judge", "norms", "measure", "plot"]:
        assert ran_stages(ran.dvc("repro", "-s", "-f", "--no-run-cache", stage)) == {stage}
    assert snapshot(ran) == before


def test_stage_scripts_run_without_dvc_and_give_the_same_files(ran):
    path = ran.folder / "data" / "inpainted" / "minimax.npz"
    before = path.read_bytes()
    path.unlink()  # a file that DVC linked into the workspace may be read-only
    result = ran.stage("inpaint", "--loss", "minimax")
    assert result.returncode == 0, result.stderr
    assert path.read_bytes() == before


@pytest.fixture
def experiment(ran):
    """Run an experiment beside the workspace; give the stages that ran and its name."""

    def run(*arguments: str) -> tuple[set[str], str]:
        output = ran.dvc("exp", "run", "--temp", *arguments)
        name = output.split("Ran experiment(s): ")[1].split()[0]
        return ran_stages(output), name

    return run


def test_another_noise_level_reruns_denoising_alone(ran, experiment):
    stages, name = experiment("-S", "denoise.sigmas=[0.25]")
    assert stages == {f"denoise@{loss}" for loss in LOSSES} | {"check", "baselines", "measure", "plot"}
    specification = json.loads(ran.dvc("plots", "diff", "--json", "HEAD", name))
    assert "errors" not in specification
    points = specification["data"]["denoising"][0]["content"]["data"]["values"]
    assert {(point["rev"], point["sigma"]) for point in points} == {("HEAD", "0"), ("HEAD", "0.3"), (name, "0.25")}


def test_fewer_losses_train_nothing_anew(experiment):
    stages, _ = experiment("-S", "losses=[least_squares]")
    assert stages == {"check", "judge", "norms", "solvers", "measure", "plot"}


def test_other_training_reruns_what_hangs_on_it(experiment):
    stages, _ = experiment("-S", "losses=[least_squares]", "-S", "train.discriminator_steps=1")
    per_loss = {f"{verb}@least_squares" for verb in ("train", "invert", "denoise", "inpaint")}
    assert stages == per_loss | {"check", "judge", "norms", "solvers", "measure", "plot"}


def test_a_queued_sweep_runs_each_of_its_values(ran):
    ran.dvc("exp", "run", "--queue", "-S", "measure.bootstrap=150,200")
    # The worker keeps what it is given as output open, so it gets none.
    start = [sys.executable, "-m", "dvc", "queue", "start"]
    subprocess.run(start, cwd=ran.folder, env=ran.environment, stdout=subprocess.DEVNULL, check=True, timeout=60)
    deadline = time.monotonic() + 120
    while (status := ran.dvc("queue", "status")).count("Success") < 2:
        assert "Failed" not in status and time.monotonic() < deadline, status
        time.sleep(1)
    shown = pd.read_csv(io.StringIO(ran.dvc("exp", "show", "--csv")))
    assert {150, 200} <= set(shown["measure.bootstrap"])


def test_plots_show_without_errors(ran):
    specification = json.loads(ran.dvc("plots", "show", "--json"))
    assert "errors" not in specification
    for name in ("generator_gradient", "fake_logit", "denoising", "inpainting"):
        content = specification["data"][name][0]["content"]
        assert {point["loss"] for point in content["data"]["values"]} >= set(LOSSES)
        assert content["encoding"]["color"]["field"] == "loss"
        assert "!== ''" in content["transform"][0]["filter"]  # or the empty PSNR of an untouched image is drawn as 0
    assert set(specification["data"]) >= {f"plots/{figure}.png" for figure in FIGURES}


def listing(project: Project) -> set[str]:
    data = project.folder / "data"
    return {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"measure": {"bootstrap": 3}}, "measure.bootstrap = 3: input should be greater than or equal to 100"),
        ({"train": {"epochs": 0}}, "train.epochs = 0: input should be greater than or equal to 1"),
        ({"prepare": {"validation": 60000}}, "prepare.validation = 60000: allowed with these images is at most 59999"),
        ({"train": {"epochs": 3}, "inpaint": {"window": 29}}, "inpaint.window = 29: allowed with these images"),
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
        assert "stages.train" not in result.stdout
        assert listing(ran) == data - {"checked.json"}
    finally:
        (ran.folder / "params.yaml").write_text(good)
    assert snapshot(ran) == before
    assert ran_stages(ran.dvc("repro")) <= {"check"}


@pytest.mark.parametrize(
    ("stage", "arguments", "words"),
    [
        ("train", ["--loss", "hinge"], "--loss = hinge: allowed are the losses of params.yaml"),
        ("train", [], "command line: the following arguments are required: --loss"),
        ("invert", ["--loss", "minimax", "--fast"], "command line: unrecognized arguments: --fast"),
        ("invert", ["--loss", "minimax"], "data/models/minimax/generator.safetensors: no such file"),
        ("denoise", ["--loss", "minimax"], "no such file; `dvc repro` makes it"),
        ("measure", [], "data/models/minimax/history.csv: no such file"),
        ("plot", [], "data/models/minimax/samples.npz: no such file"),
        ("judge", [], "data/classifier/classifier.safetensors: no such file"),
        ("classify", [], "data/prepared/train.npz: no such file"),
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


def test_tables_and_figures_never_load_torch(ran):
    for stage in ("measure", "plot"):
        code = f"import sys, stages.{stage}; sys.exit('torch' in sys.modules)"
        assert ran.call("python", "-c", code).returncode == 0


def imported(module: Path) -> set[str]:
    """The project's modules that one module imports, in turn, as paths from the root."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stages"):
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                path = Path(*name.split(".")).with_suffix(".py")
                if (ROOT / path).exists():
                    found |= {path.as_posix()} | imported(ROOT / path)
    return found


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


# Modules that results pass through unchanged: files, messages, checks. An edit there re-runs nothing, or every word in
# a message would retrain three GANs; whoever changes how a result is written runs `dvc repro --force`.
PLUMBING = {
    f"stages/pipeline/{name}.py"
    for name in ("artifacts", "checkpoint", "command", "errors", "mnist", "params", "progress")
}


def test_a_checkpoint_depends_on_all_that_training_imports():
    needed = imported(ROOT / "stages/gan/training.py") | {"stages/gan/training.py", "stages/pipeline/checkpoint.py"}
    assert needed - PLUMBING <= {path.as_posix() for path in SOURCE}


def test_dependencies_are_what_a_stage_imports():
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        needed = imported(ROOT / "stages" / f"{name}.py") | {f"stages/{name}.py"}
        declared = {dep for dep in stage["deps"] if dep.startswith("stages/")}
        covered = {path for path in needed if any(path == dep or path.startswith(dep + "/") for dep in declared)}
        assert needed - covered <= PLUMBING, name
        assert all(any(path == dep or path.startswith(dep + "/") for path in needed) for dep in declared), name
