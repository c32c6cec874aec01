"""What stages/README.md says about adding a loss, a task, a rival, an image set, a figure, done and run to the end."""

import re

import pandas as pd
import pytest
import yaml

from tests.drawn import is_drawn
from tests.project import ROOT, TINY, Project, merged

SECTION = (ROOT / "stages" / "README.md").read_text()
FILES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", SECTION, flags=re.DOTALL))
COUNTS = """
import sys
from pathlib import Path
from stages.images.counts import check_counts
from stages.images.source import load_source
from stages.pipeline.params import load_params

params = load_params(Path(sys.argv[1]))
check_counts(params, load_source(params.data.name).header(params.data))
"""
PARAMS = {
    "priors": ["non_saturating", "hinge"],
    "flows": ["hinge"],
    "tasks": ["denoising", "inpainting", "scattered"],
    "scattered": {"missing": [0.5, 0.9]},
    "rivals": {"denoising": ["tv", "median"], "inpainting": ["telea"], "scattered": ["biharmonic", "pca_mean"]},
    "data": {"name": "rectangles", "validation": 500},
}


@pytest.fixture(scope="module")
def added(tmp_path_factory) -> Project:
    """The tiny pipeline with one more of each kind, with the dvc.yaml of the repository."""
    folder = tmp_path_factory.mktemp("added") / "project"
    folder.mkdir()
    project = Project(folder, merged(TINY, PARAMS))
    for path, source in FILES.items():
        (folder / path).write_text(source)
    assert project.call("git", "init", "-q").returncode == 0
    project.commit("start")
    project.everything()
    return project


def test_readme_shows_one_of_each_kind_as_one_file():
    assert len(FILES) == len({path.rpartition("/")[0] for path in FILES}) == 5


def test_the_first_page_names_the_files():
    text = (ROOT / "README.md").read_text()
    assert all(f"`{path}`" in text for path in FILES)


def test_the_lines_of_params_yaml_are_those_of_the_diffs(added, tmp_path):
    """Each diff applies to params.yaml as it is, and together they give what is run here, but for what is tiny.

    Their counts are those that the images allow, tiny or not.
    """
    text = (ROOT / "params.yaml").read_text()
    for diff in re.findall(r"```diff\n(.*?)```", SECTION, flags=re.DOTALL):
        lines = diff.splitlines()
        before = [line[1:] for line in lines if line[:1] in (" ", "-")]
        after = "\n".join(line[1:] for line in lines if line[:1] in (" ", "+"))
        # A comment behind a line stands in the file alone.
        pattern = r"[^\n]*\n".join(re.escape(line) for line in before)
        if re.search(pattern, text) is None:  # a line that an earlier diff of its group has changed
            pattern = re.escape("\n".join(before))
        text, count = re.subn(pattern, lambda _, after=after: after, text, count=1)
        assert count == 1, diff
    changed = yaml.safe_load(text)
    assert changed["priors"][-1] == "hinge" and changed["tasks"] == PARAMS["tasks"]
    assert changed["scattered"] == PARAMS["scattered"] and changed["data"] == changed["data"] | PARAMS["data"]
    assert changed["rivals"]["denoising"][-1] == "median"
    assert changed["rivals"]["scattered"] == PARAMS["rivals"]["scattered"]
    (tmp_path / "params.yaml").write_text(text)
    checked = added.call("python", "-c", COUNTS, str(tmp_path / "params.yaml"))
    assert checked.returncode == 0, checked.stderr


def test_what_was_added_is_in_every_table_and_figure(added):
    tables = {path.stem: pd.read_csv(path, keep_default_na=False) for path in (added.folder / "metrics").glob("*.csv")}
    for name in ("training", "fidelity", "inversion", "denoising", "inpainting", "scattered", "paired", "calibration"):
        assert "hinge" in set(tables[name].prior), name
    assert {"biharmonic", "pca_mean", "posterior_mean"} <= set(tables["scattered"].method)
    assert set(tables["scattered"].missing) == {0.5, 0.9}
    assert "median" in set(tables["denoising"].method) and "median" in set(tables["paired"].against)
    figures = {path.stem for path in (added.folder / "plots/figures").glob("*.png")}
    assert {"worst_digits", "scattered", "scattered_psnr"} <= figures
    for figure in figures:
        assert is_drawn(added.folder / "plots/figures" / f"{figure}.png"), figure
