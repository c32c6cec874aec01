"""The README's numbers come from metrics/: `python -m tests.readme` writes them in, a test checks that they are right.

A block between `<!-- table NAME -->` and `<!-- end -->` is a whole table. A single number stands before a comment that
says where it comes from: `31.2<!-- inversion psnr .1f prior=non_saturating method=map source=test -->`.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from stages.pipeline import artifacts
from stages.pipeline.artifacts import FLOW, NO_PRIOR, with_flow
from stages.report.latents import join_latent
from stages.report.style import readable
from tests.project import ROOT

README = ROOT / "README.md"
SHOWN = (0.1, 0.3, 0.5, 1.0)  # noise levels of the small tables
USUAL, BEST = "non_saturating", "vae-flow"  # priors that some tables show alone
LEARNED = ["unet"]
BLOCK = re.compile(r"(?<=<!-- table )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
NUMBER = re.compile(r"[-\d.e]+%?(?=<!-- (\w+) (\w+) (\S+) ([^>]+?) -->)")


def metric(name: str) -> pd.DataFrame:
    """A table of metrics/, with one name for a prior and its latent."""
    return join_latent(pd.read_csv(ROOT / artifacts.table(name), keep_default_na=False, na_values=[""]))


def markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def training_table() -> str:
    """Of the GANs."""
    last = metric("training").dropna().groupby("prior", sort=False).last()
    fidelity = metric("fidelity").groupby("prior").last()
    rows = [
        [
            readable(prior),
            f"{row.real_logit:+.1f}",
            f"{row.fake_logit:+.1f}",
            f"{row.loss_slope:.2g}",
            f"{row.g_grad_norm:.2g}",
            f"{fidelity.frechet_distance[prior]:.1f}",
            f"{fidelity.coverage[prior]:.2f}",
            f"{fidelity.classes_covered[prior]}",
        ]
        for prior, row in last.iterrows()
    ]
    floor = fidelity.loc[NO_PRIOR]
    of_real_images = [f"{floor.frechet_distance:.1f}", f"{floor.coverage:.2f}", f"{floor.classes_covered:.0f}"]
    rows.append(["*training images*", "", "", "", "", *of_real_images])
    header = ["prior", "real logit", "fake logit", "slope", "gradient norm", "Frechet distance", "coverage", "classes"]
    return markdown(header, rows)


def inversion_table() -> str:
    table = metric("inversion").query("method != 'observed'")
    rows = []
    for (prior, method), cells in table.groupby(["prior", "method"], sort=False):
        cells = cells.set_index("source")
        psnr = [f"{cells.psnr[source]:.1f}" for source in ("generated", "train", "test")]
        interval = f"{cells.psnr_low['test']:.1f} to {cells.psnr_high['test']:.1f}"
        rows.append([readable(prior), method, *psnr, interval, f"{cells.recovered['generated']:.0%}"])
    header = ["prior", "method", "generated", "train", "test", "test, 95 % interval", "generated ones found again"]
    return markdown(header, rows)


def priors_table() -> str:
    """The posterior mean of every prior, with a flow and without, and rivals, in dB; and how test images invert."""
    inverted = metric("inversion").query("method == 'whitened' and source == 'test'").set_index("prior").psnr
    rows: dict[str, list[str]] = {}
    header = ["", "inversion"]
    for task, condition, quality in (("denoising", "sigma", "psnr"), ("inpainting", "holes", "hole_psnr")):
        table = metric(task)
        for value, cells in table[table[quality].notna()].groupby(condition):
            if task == "denoising" and value not in SHOWN:
                continue
            header.append(f"sigma {value:g}" if task == "denoising" else f"{value:g} missing")
            scores = cells.set_index(["prior", "method"])[quality]
            means = scores.xs("posterior_mean", level="method")
            others = scores[NO_PRIOR].drop(["observed", "combined"])
            classical = others.drop(LEARNED)
            column = {name: f"**{mean:.1f}**" if mean == means.max() else f"{mean:.1f}" for name, mean in means.items()}
            column |= {name: f"{others[name]:.1f}" for name in LEARNED}
            column["best classical or linear"] = f"{classical.max():.1f}"
            for name, cell in column.items():
                first = f"{inverted[name]:.1f}" if name in inverted else ""
                rows.setdefault(name, [readable(name), first]).append(cell)
    return markdown(header, list(rows.values()))


def latents_table() -> str:
    """By how much each prior's flow changes its posterior mean, in dB, with the 95 % interval."""
    table = metric("paired").query("method == 'posterior_mean'")
    rows: dict[str, list[str]] = {}
    header = [""]
    for (task, condition), cells in table.groupby(["task", "condition"]):
        if task == "denoising" and condition not in SHOWN:
            continue
        header.append(f"sigma {condition:g}" if task == "denoising" else f"{condition:g} missing")
        for row in cells[cells.prior == cells.against.map(with_flow)].itertuples():
            text = f"{row.difference:+.1f} ({row.difference_low:+.1f} to {row.difference_high:+.1f})"
            rows.setdefault(row.against, [readable(row.prior)]).append(text)
    return markdown(header, list(rows.values()))


def fidelity_table() -> str:
    """What the last generators draw, from N(0, I) and from their flows."""
    rows = [
        [
            "*training images*" if prior == NO_PRIOR else readable(prior),
            f"{row.frechet_distance:.1f}",
            *(f"{row[name]:.2f}" for name in ("precision", "recall", "density", "coverage")),
        ]
        for prior, row in metric("fidelity").groupby("prior", sort=False).last().iterrows()
    ]
    return markdown(["", "Frechet distance", "precision", "recall", "density", "coverage"], rows)


def condition_table(name: str, condition: str, quality: str) -> Callable[[], str]:
    """All methods of the usual prior, the posterior means of the others, and what has no prior."""

    def build() -> str:
        table = metric(name)
        table = table[table.prior.isin([USUAL, NO_PRIOR]) | (table.method == "posterior_mean")]
        conditions = sorted(table[condition].unique())
        rows = []
        for (prior, method), cells in table.groupby(["prior", "method"], sort=False):
            values = cells.set_index(condition)[quality]
            # Without noise, who gives back what was seen has no error; any other empty cell is a fault.
            shown = ["∞" if value == 0 and np.isnan(values[value]) else f"{values[value]:.1f}" for value in conditions]
            assert "nan" not in shown
            rows.append(["" if prior == NO_PRIOR else readable(prior), method, *shown])
        return markdown(["prior", "method", *(f"{value:g}" for value in conditions)], rows)

    return build


def calibration_table() -> str:
    """Coverage of the intervals and agreement of the chains, of the usual prior and of flows."""
    table = metric("calibration")
    shown = (table.prior == USUAL) | table.prior.str.endswith(f"-{FLOW}")
    rows = []
    for (prior, task), cells in table[shown & (table.condition > 0)].groupby(["prior", "task"], sort=False):
        for name, form, title in (
            ("coverage_50", ".0%", "in the 50 % interval"),
            ("coverage_90", ".0%", "in the 90 % interval"),
            ("r_hat", ".1f", "split R-hat, median"),
        ):
            worst, best = cells[name].min(), cells[name].max()
            rows.append([readable(prior), task, title, format(worst, form), format(best, form)])
    return markdown(["prior", "task", "of hidden or noisy ink", "least", "most"], rows)


def paired_table() -> str:
    """The posterior mean less the best rival of each condition, dB, with the 95 % interval: of two priors."""
    table = metric("paired")
    rivals_only = ~table.against.isin(["combined", *table.prior])
    table = table[(table.method == "posterior_mean") & table.prior.isin([USUAL, BEST]) & rivals_only]
    rows = []
    for (prior, task), cells in table.groupby(["prior", "task"], sort=False):
        for condition, rivals in cells.groupby("condition"):
            best = rivals.loc[rivals["difference"].idxmin()]
            interval = f"{best.difference_low:+.1f} to {best.difference_high:+.1f}"
            what = f"sigma {condition:g}" if task == "denoising" else f"{condition:g} missing"
            rows.append([readable(prior), what, best.against, f"{best['difference']:+.1f}", interval])
    return markdown(["prior", "condition", "best rival", "difference, dB", "95 % interval"], rows)


def other_images_table(images: str) -> Callable[[], str]:
    """What the priors and the rivals made of another image set, in dB, and by how much the better prior is ahead.

    From the tables of a study that data/other_images/README.md tells how to run.
    """

    def build() -> str:
        folder = ROOT / "data" / "other_images" / images
        paired = pd.read_csv(folder / "paired.csv")
        columns: dict[str, dict[str, str]] = {}  # heading -> row -> cell
        for task, condition, quality in (("denoising", "sigma", "psnr"), ("inpainting", "holes", "hole_psnr")):
            table = pd.read_csv(folder / f"{task}.csv", keep_default_na=False, na_values=[""])
            better = table.query("method == 'posterior_mean'").groupby("prior")[quality].mean().idxmax()
            for value, cells in table[table[quality].notna()].groupby(condition):
                if task == "denoising" and value not in SHOWN:
                    continue
                scores = cells.set_index(["prior", "method"])[quality]
                column = {
                    f"{readable(prior)}, {method}": f"{scores[prior, method]:.1f}"
                    for prior in dict.fromkeys(cells.prior[cells.prior != NO_PRIOR])
                    for method in ("posterior_mean", "combined")
                }
                rivals = scores[NO_PRIOR].drop(["observed", "combined"])
                column["best rival"] = f"{rivals.max():.1f} {rivals.idxmax()}"
                column["rivals combined"] = f"{scores[NO_PRIOR, 'combined']:.1f}"
                own = paired.query(f"prior == '{better}' and task == '{task}' and condition == {value}")
                for method in ("posterior_mean", "combined"):
                    for against in (rivals.idxmax(), "combined"):
                        row = own[(own.method == method) & (own.against == against)].iloc[0]
                        name = "rivals combined" if against == "combined" else "best rival"
                        column[f"better prior's {method} less {name}"] = (
                            f"{row['difference']:+.1f} ({row.difference_low:+.1f} to {row.difference_high:+.1f})"
                        )
                columns[f"sigma {value:g}" if task == "denoising" else f"{value:g} missing"] = column
        names = list(next(iter(columns.values())))
        return markdown(["", *columns], [[name, *(column[name] for column in columns.values())] for name in names])

    return build


TABLES = {
    "fashion_mnist": other_images_table("fashion_mnist"),
    "emoji": other_images_table("emoji"),
    "priors": priors_table,
    "latents": latents_table,
    "fidelity": fidelity_table,
    "training": training_table,
    "inversion": inversion_table,
    "denoising": condition_table("denoising", "sigma", "psnr"),
    "inpainting": condition_table("inpainting", "holes", "hole_psnr"),
    "paired": paired_table,
    "calibration": calibration_table,
}


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
