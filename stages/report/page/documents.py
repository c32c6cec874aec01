"""One Markdown text as a page and as a printed document, without a request, a date or a path in either."""

import base64
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pypandoc  # type: ignore[import-untyped]
import typst

from stages.pipeline import artifacts
from stages.pipeline.errors import UserError
from stages.report.page.pictures import size_of_png, small_png

LAYOUT = Path(__file__).parent / "layout"
TITLE = "How far does a GAN carry as an image prior?"
READS = "markdown-smart"
RENAMED = re.compile(r"\b(dot|plus|minus|times)\.circle\b")  # symbols that pandoc still calls so and Typst no longer
FIGURE = re.compile(r"\]\((plots|data)/([\w/]+)\.png\)\{(#[\w-]+)\}")
TABLES = "--columns=1000"  # pandoc's limit above which a table's columns are all of one width, and words wrap
PRINTED = 6.5, 6.5  # inches, the most that a figure may be wide and high on paper


def html_page(text: str, explorer: Mapping[str, Any]) -> bytes:
    """One file with everything in it: styles, scripts, figures as data URIs, formulas as MathML.

    Raises UserError for a figure that is missing.
    """
    body = pypandoc.convert_text(
        _with_figures(text, lambda path, label: f"]({_data_uri(small_png(path))}){{{label}}}"),
        to="html5",
        format=READS,
        extra_args=[
            "--mathml",
            "--section-divs",
            "--toc",
            "--toc-depth=2",
            f"--template={LAYOUT / 'page.html'}",
            f"--metadata=pagetitle:{TITLE}",
            "--wrap=none",
            TABLES,
        ],
    )
    # A wide table scrolls by itself, also by keyboard, so that the page never does.
    body = body.replace("<table", '<div class="wide" role="region" aria-label="table" tabindex="0"><table')
    body = body.replace("</table>", "</table></div>")
    inserts = {
        "/* page.css */": (LAYOUT / "page.css").read_text(encoding="utf-8"),
        "/* explorer.js */": (LAYOUT / "explorer.js").read_text(encoding="utf-8"),
        "/* explorer.json */": json.dumps(explorer, separators=(",", ":")).replace("<", "\\u003c"),
    }
    for place, content in inserts.items():
        body = body.replace(place, content)
    return body.encode()


def pdf_document(text: str) -> bytes:
    """The same as a PDF with the fonts that the typesetter brings along, so that every machine sets it alike."""
    with tempfile.TemporaryDirectory() as folder:

        def beside(path: Path, label: str) -> str:
            name = f"{path.parent.name}_{path.name}"
            Path(folder, name).write_bytes(small_png(path))
            return f"]({name}){{{label} width={printed_width(path):.2f}in}}"

        source = pypandoc.convert_text(
            _with_figures(text, beside),
            to="typst",
            format=READS,
            extra_args=[f"--template={LAYOUT / 'page.typ'}", f"--metadata=title:{TITLE}", "--wrap=none", TABLES],
        )
        main = Path(folder, "report.typ")
        main.write_text(RENAMED.sub(r"\1.o", source), encoding="utf-8")
        try:
            return typst.compile(str(main), root=folder, ignore_system_fonts=True, timestamp=0)
        except typst.TypstError as error:
            raise UserError(f"the report cannot be typeset: {' '.join(str(error).split())}") from None


def _with_figures(text: str, place: Callable[[Path, str], str]) -> str:
    """The text with what `place` puts after each figure's caption, of its path and its label.

    The text names figures plots/<name>.png, each followed by {#label}.
    """

    def address(match: re.Match[str]) -> str:
        folder = artifacts.FIGURES if match[1] == "plots" else Path(match[1])
        return place(folder / f"{match[2]}.png", match[3])

    return FIGURE.sub(address, text)


def printed_width(path: Path) -> float:
    """Inches: a figure's own width, as it was drawn, or less where it would not fit on a page."""
    width, height = size_of_png(path)
    return min(width, PRINTED[0], PRINTED[1] * width / height)


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
