"""Tables, figures and restored images -> plots/report.html and plots/report.pdf: the study as people read it."""

from stages.pipeline.artifacts import REPORT
from stages.pipeline.command import no_arguments, say
from stages.pipeline.params import load_params
from stages.pipeline.storage import publish
from stages.report.page.documents import html_page, pdf_document
from stages.report.page.explorer import explorer
from stages.report.page.text import report_text
from stages.report.study import Study


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    text = report_text(params)
    page, document = html_page(text, explorer(Study(params))), pdf_document(text)
    publish({REPORT[0]: lambda file: file.write(page), REPORT[1]: lambda file: file.write(document)})
    say(f"The report of this study: {' and '.join(map(str, REPORT))}")
