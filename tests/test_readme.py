"""The README says what the tables say, and what it tells a newcomer to type exists."""

import re

import pandas as pd
import yaml

from stages.pipeline.artifacts import REPORT as MADE
from stages.pipeline.params import load_params
from stages.report.page.findings import first_page, measures, other_sets
from tests.project import ROOT
from tests.readme import BLOCK, NUMBER, README, TABLES, filled, metric

TEXT = README.read_text()
REPORT = {path.as_posix() for path in MADE}


def test_every_marked_number_and_table_is_that_of_its_metric():
    assert {match[1] for match in BLOCK.finditer(TEXT)} == set(TABLES)
    assert len(NUMBER.findall(TEXT)) >= 2
    assert filled(TEXT) == TEXT


def test_a_wrong_number_would_be_seen():
    marked = NUMBER.search(TEXT)
    wrong = TEXT[: marked.start()] + "99.9" + TEXT[marked.end() :]
    assert filled(wrong) == TEXT


def test_no_result_is_quoted_without_its_source():
    """In the results section, every decimal number outside tables, code and captions is a marked one."""
    results = TEXT.split("\n## What comes out")[1].split("\n## ")[0]
    prose = re.sub(r"```.*?```|`[^`]*`|!\[[^\]]*\]\([^)]*\)", "", BLOCK.sub("", results), flags=re.DOTALL)
    unmarked = re.sub(NUMBER.pattern + r"<!--.*?-->", "", prose)
    assert unmarked != prose
    assert re.findall(r"\d+\.\d+", unmarked) == []


def test_the_answer_in_short_is_what_the_tables_say(monkeypatch):
    short = " ".join(TEXT.split("**In short, on MNIST:**")[1].split("**The report")[0].split())
    assert short.startswith("of the GAN losses, minimax saturates and non-saturating restores best, better than every")
    assert "The same network as a VAE, its codes drawn from a flow" in short and "is better than every GAN." in short
    monkeypatch.chdir(ROOT)
    params = load_params()
    found = first_page.comparisons(params)
    assert measures.saturated(params) == ["minimax"]
    assert set(found["losses"].first.values()) == {"non_saturating"}
    assert set(found["flows"].second.values()) == {"vae-flow"}
    for name, verdict in (("losses", "ahead"), ("classical", "ahead"), ("flows", "behind")):
        assert {lead.verdict for lead in found[name].leads.values()} == {verdict}, name


def test_the_longer_trained_unet_is_level_or_ahead():
    assert "A U-Net trained four times as long as here is level with it or ahead" in " ".join(TEXT.split())
    table = pd.read_csv(ROOT / "data" / "long_runs" / "unet.csv")
    least, most = table.steps.min(), table.steps.max()
    assert most == 4 * least and set(table.prior) == {"vae-flow"}
    assert (table[table.steps == most].difference_low <= 0).all()  # of VAE + flow less the U-Net


def test_the_vae_that_was_trained_as_long_is_ahead_on_average():
    assert "with both trained so long, the prior is ahead on average" in " ".join(TEXT.split())
    unet, vae = (pd.read_csv(ROOT / "data" / "long_runs" / f"{name}.csv") for name in ("unet", "vae"))
    params = load_params(ROOT / "params.yaml")
    assert set(vae.epochs) == {4 * params.train.epochs} and set(vae.flow_steps) == {4 * params.flow.steps}
    means = vae[vae.latent == "flow"].groupby("task").psnr.mean()
    assert (means > unet[unet.steps == unet.steps.max()].groupby("task").psnr.mean()).all()


def test_other_seeds_keep_the_order():
    said = "With two other seeds, on another processor, non-saturating stays ahead of least squares on average, by less"
    assert f"{said} than here, and VAE + flow ahead of both" in " ".join(TEXT.split())
    table = pd.read_csv(ROOT / "data" / "long_runs" / "training_seeds.csv")
    means = table.groupby(["task", "seed", "prior", "latent"]).psnr.mean().unstack(["prior", "latent"])
    best, gan, other = (
        means[key] for key in (("vae", "flow"), ("non_saturating", "normal"), ("least_squares", "normal"))
    )
    assert len(means) == 4 and (best > gan).all() and (gan > other).all()
    for task, quality in (("denoising", "psnr"), ("inpainting", "hole_psnr")):
        own = metric(task).query("method == 'posterior_mean'").groupby("prior")[quality].mean()
        assert ((gan - other)[task] < own["non_saturating"] - own["least_squares"]).all()


def test_other_images_set_the_limits_that_are_told(monkeypatch):
    monkeypatch.chdir(ROOT)
    said = "On clothes the best GAN is level with classical tools in inpainting, on colour emoji behind them."
    assert said in " ".join(TEXT.split())
    clothes, emoji = (
        {task: one.lead("gan_lead").verdict for task, one in other_sets.other_images(name).items()}
        for name in ("fashion_mnist", "emoji")
    )
    assert clothes["inpainting"] == "level" and set(emoji.values()) == {"behind"}


def test_the_page_is_short():
    """Words as `wc -w` counts them, without the comments that nobody sees."""
    assert len(re.sub(r"<!--.*?-->", "", TEXT).split()) <= 1800


def test_figures_and_files_named_exist():
    for path in re.findall(r"\]\(((?:plots|stages|tests|data|metrics)[^)#]*)\)", TEXT):
        assert (ROOT / path).exists() or path in REPORT, path  # which the pipeline's last stage makes


def test_stages_and_parameters_named_exist():
    for stage in re.findall(r"python -m stages ([a-z]\w+)", TEXT):
        assert (ROOT / "stages" / f"{stage}.py").exists()
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for keys in re.findall(r"-S '?([\w.]+)=", TEXT):
        group = params
        for key in keys.split("."):
            group = group[key]


def test_ci_calls_the_readmes_test_command():
    command = "python -m pytest"
    assert command in TEXT and command in (ROOT / ".ci" / "run").read_text()
