"""The README's numbers come from metrics/: `python -m tests.readme` writes them in, a test checks that they are right.

A block between `<!-- table NAME -->` and `<!-- end -->` is a whole table. A single number stands before a comment that
says where it comes from: `31.2<!-- inversion psnr .1f prior=non_saturating method=map source=test -->`.
"""

import re

import pandas as pd

from stages.pipeline import artifacts
from stages.pipeline.artifacts import NO_PRIOR, prior_and_latent, with_flow
from stages.report.latents import join_latent
from stages.report.style import readable
from tests.project import ROOT

README = ROOT / "README.md"
SHOWN = {"denoising": (0.3, 1.0), "inpainting": (1, 3)}  # conditions of the table
BLOCK = re.compile(r"(?<=<!-- table )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
NUMBER = re.compile(r"[-\d.e]+%?(?=<!-- (\w+) (\w+) (\S+) ([^>]+?) -->)")


def metric(name: str) -> pd.DataFrame:
    """A table of metrics/, with one name for a prior and its latent."""
    return join_latent(pd.read_csv(ROOT / artifacts.table(name), keep_default_na=False, na_values=[""]))


def markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def results_table() -> str:
    """The GANs, the best one with a flow, the best prior without and with one (posterior means), and rivals, in dB."""
    rows: dict[str, list[str]] = {}
    header = [""]
    gans = metric("training").dropna().prior.unique()
    means = metric("denoising").query("method == 'posterior_mean'").groupby("prior").psnr.mean()
    for task, condition, quality in (("denoising", "sigma", "psnr"), ("inpainting", "holes", "hole_psnr")):
        table = metric(task)
        for value, cells in table[table[condition].isin(SHOWN[task])].groupby(condition):
            header.append(f"sigma {value:g}" if task == "denoising" else f"{value:g} missing")
            scores = cells.set_index(["prior", "method"])[quality]
            best, of_flows = means.idxmax(), means[means.index.isin([*map(with_flow, gans)])]
            shown = dict.fromkeys((*gans, of_flows.idxmax(), prior_and_latent(best)[0], best))
            column = {readable(name): scores[name, "posterior_mean"] for name in shown}
            others = scores[NO_PRIOR].drop("combined")
            column |= {"U-Net": others["unet"], "best classical or linear": others.drop(["unet", "observed"]).max()}
            for name, score in (column | {"observed": others["observed"]}).items():
                rows.setdefault(name, [name]).append(f"{score:.1f}".replace("-0.0", "0.0"))
    return markdown(header, list(rows.values()))


TABLES = {"results": results_table}


def number(table: str, column: str, form: str, conditions: str) -> str:
    """One cell, formatted; the conditions must pick exactly one row."""
    rows = metric(table)
    for key, value in (condition.split("=") for condition in conditions.split()):
        rows = rows[rows[key].map(lambda cell: cell if isinstance(cell, str) else f"{cell:g}") == value]
    (cell,) = rows[column]
    return format(cell, form)


def filled(text: str) -> str:
    """The README's text with every table and number as metrics/ has them."""
    text = BLOCK.sub(lambda match: match[1] + match[2] + TABLES[match[1]](), text)
    return NUMBER.sub(lambda match: number(*match.groups()), text)


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
