"""The README's numbers come from metrics/: `python -m tests.readme` writes them in, a test checks that they are right.

A block between `<!-- table NAME -->` and `<!-- end -->` is a whole table. A single number stands before a comment that
says where it comes from: `31.2<!-- inversion psnr .1f prior=non_saturating method=map source=test -->`.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from stages.pipeline import artifacts
from stages.pipeline.artifacts import NO_PRIOR
from stages.report.style import readable
from tests.project import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=<!-- table )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
NUMBER = re.compile(r"[-\d.e]+%?(?=<!-- (\w+) (\w+) (\S+) ([^>]+?) -->)")


def metric(name: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / artifacts.table(name), keep_default_na=False, na_values=[""])


def markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def training_table() -> str:
    last = metric("training").groupby("prior", sort=False).last()
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


def condition_table(name: str, condition: str, quality: str) -> Callable[[], str]:
    def build() -> str:
        table = metric(name)
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
    """Coverage of the intervals and agreement of the chains, of the priors whose generators draw digits."""
    table = metric("calibration")
    rows = []
    for (prior, task), cells in table[(table.prior != "minimax") & (table.condition > 0)].groupby(
        ["prior", "task"], sort=False
    ):
        for name, form, title in (
            ("coverage_50", ".0%", "in the 50 % interval"),
            ("coverage_90", ".0%", "in the 90 % interval"),
            ("r_hat", ".1f", "split R-hat, median"),
        ):
            worst, best = cells[name].min(), cells[name].max()
            rows.append([readable(prior), task, title, format(worst, form), format(best, form)])
    return markdown(["prior", "task", "of hidden or noisy ink", "least", "most"], rows)


def paired_table() -> str:
    """The posterior mean less the best rival of each condition, dB, with the 95 % interval; usable priors."""
    table = metric("paired").query("method == 'posterior_mean' and prior != 'minimax' and against != 'combined'")
    rows = []
    for (prior, task), cells in table.groupby(["prior", "task"], sort=False):
        for condition, rivals in cells.groupby("condition"):
            best = rivals.loc[rivals["difference"].idxmin()]
            interval = f"{best.difference_low:+.1f} to {best.difference_high:+.1f}"
            what = f"sigma {condition:g}" if task == "denoising" else f"{condition:g} missing"
            rows.append([readable(prior), what, best.against, f"{best['difference']:+.1f}", interval])
    return markdown(["prior", "condition", "best rival", "difference, dB", "95 % interval"], rows)


SHOWN = (0.1, 0.3, 0.5, 1.0)  # noise levels of the small tables


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
