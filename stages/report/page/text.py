"""The report's text: Markdown sections with Jinja2 over the tables, in one order, for HTML and PDF alike."""

import contextlib
import functools
import importlib.metadata
import platform
import re
from pathlib import Path
from typing import Any

import jinja2

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.pipeline.params import Params, missing_rivals
from stages.report.page.findings import first_page, long_runs, measures, other_sets, standings
from stages.report.page.results import cell, rows
from stages.report.style import readable
from stages.restoration.weighed import WEIGHED

FOLDER = Path(__file__).parents[1] / "sections"
SECTIONS = (  # in the report's order, each <name>.md
    "answer",
    "explorer",
    "gans",
    "saturation",
    "gradient",
    "max_min",
    "inversion",
    "denoising",
    "inpainting",
    "norm",
    "priors",
    "limits",
    "certainty",
    "density",
    "likelihood",
    "other_images",
    "making",
    "references",
)
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pandas", "scikit-image", "opencv-python-headless", "dvc")
FIGURE = re.compile(r"!\[(?P<caption>.*)\]\((?P<place>plots|data)/(?P<name>[\w/]+)\.png\)")
MENTION = re.compile(r"@figure:([\w/]+)@")
MINUS = "\N{MINUS SIGN}"  # a hyphen is shorter, and a line may break after it


def report_text(params: Params) -> str:
    """All sections as Markdown. Raises UserError, with the section's name, for what a table does not have."""
    environment = _environment()
    environment.globals.update(vocabulary(params))
    return numbered("\n\n".join(_rendered(environment, name) for name in SECTIONS))


def numbered(text: str) -> str:
    """The text with figures numbered in their order, a number before each caption, and mentions that link to them."""
    names = [figure["name"] for figure in FIGURE.finditer(text)]
    numbers = {name: number for number, name in enumerate(names, 1)}
    if len(numbers) < len(names):
        raise UserError(f"the report shows the figure {next(name for name in names if names.count(name) > 1)!r} twice")

    def shown(figure: re.Match[str]) -> str:
        number = numbers[figure["name"]]
        caption = f"**Figure {number}.** {figure['caption']}."
        return f"![{caption}]({figure['place']}/{figure['name']}.png){{#figure-{number}}}"

    def mentioned(mention: re.Match[str]) -> str:
        if mention[1] not in numbers:
            raise UserError(f"the report mentions the figure {mention[1]!r} and does not show it")
        number = numbers[mention[1]]
        return f"[figure\N{NO-BREAK SPACE}{number}](#figure-{number})"

    return MENTION.sub(mentioned, FIGURE.sub(shown, text))


@functools.cache  # compiles each section once
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    return environment


def vocabulary(params: Params) -> dict[str, Any]:
    """What a section may use beside the filters."""
    return {
        "cell": cell,
        "rows": rows,
        "word": readable,
        "params": params,
        "drawn": lambda name: (artifacts.FIGURES / f"{name}.png").exists(),
        "figure": lambda name: f"@figure:{name}@",  # becomes its number
        "first_page": first_page,
        "long_runs": long_runs,
        "measures": measures,
        "other_sets": other_sets,
        "standings": standings,
        "most_weighed": WEIGHED,
        "gans": standings.gans(params),
        "labelled": hasattr(rows("inversion")[0], "label_accuracy"),
        "missing_rivals": missing_rivals(),
        "versions": _versions(),
        "machine": _machine(),
    }


def fixed(value: float, decimals: int = 1) -> str:
    """A number with so many decimals."""
    return _number(value, f".{decimals}f").replace("-", MINUS)


def signed(value: float, decimals: int = 1) -> str:
    """The same with its sign."""
    return _number(value, f"+.{decimals}f").replace("-", MINUS)


def percent(value: float, decimals: int = 0) -> str:
    """A share as a percentage: 0.123 -> 12 %."""
    return f"{fixed(100 * value, decimals)}\N{NO-BREAK SPACE}%"


def scientific(value: float, decimals: int = 1) -> str:
    """1.2e-05 -> 1.2 times 10^-5^, as Markdown raises the exponent."""
    factor, exponent = _number(value, f".{decimals}e").split("e")
    factor, raised = factor.replace("-", MINUS), str(int(exponent)).replace("-", MINUS)
    space = "\N{NO-BREAK SPACE}"
    return factor if value == 0 or int(exponent) == 0 else f"{factor}{space}\N{MULTIPLICATION SIGN}{space}10^{raised}^"


def decibels(value: float | None) -> str:
    """A PSNR in dB; an empty cell is that of an image without any error."""
    return "∞" if value is None else fixed(value, 1)


def condition(value: float) -> str:
    """A condition of a task: 0.5, and 2 for 2.0."""
    return _number(value, "g")


FILTERS = {
    "condition": condition,
    "decibels": decibels,
    "fixed": fixed,
    "signed": signed,
    "percent": percent,
    "scientific": scientific,
}


def _number(value: Any, form: str) -> str:
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises, and names what is not defined
    if not isinstance(value, int | float):
        raise UserError(f"{value!r} is no number")
    text = format(value, form)
    return text.lstrip("+-") if not text.strip("+-0.") else text  # no -0.0


def _rendered(environment: jinja2.Environment, name: str) -> str:
    path = FOLDER / f"{name}.md"
    try:
        return environment.get_template(path.name).render().strip()
    except UserError as error:
        raise UserError(f"{path.name}: {error}") from None
    except jinja2.TemplateNotFound:
        raise UserError(f"{path}: no such file") from None
    except (jinja2.TemplateError, TypeError, ValueError, ZeroDivisionError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path.name}:{line}" if line else path.name
        raise UserError(f"{where}: {' '.join(str(error).split())}") from error


def _versions() -> dict[str, str]:
    """Of Python and the packages that numbers come from, as installed, maybe under another name."""
    versions = {"Python": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _machine() -> str:
    """The processor's name, without its clock."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return " ".join(names[0].split()) if names else platform.machine()
