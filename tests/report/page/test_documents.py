"""The report as its readers get it: in a real browser without a network, by mouse and keyboard, and on paper."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages import write_report
from stages.pipeline.artifacts import FIGURES, REPORT
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.pixels import to_uint8
from stages.pipeline.params import load_params
from stages.report.page.documents import printed_width
from stages.report.page.explorer import explorer
from stages.report.page.text import FOLDER
from stages.report.shades import uncertainty
from stages.report.study import Study
from stages.report.style import readable
from tests.project import ROOT

BROWSER = shutil.which("chromium")
LOOKS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
seen = pytest.mark.skipif(
    not (BROWSER and shutil.which("pdftoppm")) and "REPORT_MUST_BE_SEEN" not in os.environ,
    reason="needs Debian's chromium and poppler-utils: apt-get install chromium poppler-utils",
)


def written() -> list[bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["write_report"])
        write_report.main()
    return [path.read_bytes() for path in REPORT]


@pytest.fixture(scope="module")
def report(digits_folder, tmp_path_factory) -> Path:
    """The folder of a made-up study with its report; the figures are plain colours."""
    folder = tmp_path_factory.mktemp("report") / "study"
    shutil.copytree(digits_folder, folder)
    shutil.copytree(ROOT / "data/other_images", folder / "data/other_images")
    (folder / FIGURES).mkdir(parents=True)
    for path in FOLDER.glob("*.md"):
        for name in re.findall(r"\(plots/(\w+\.png)\)", path.read_text()):
            Image.new("RGB", (400, 100), "teal").save(folder / FIGURES / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        written()
    return folder


@pytest.fixture
def inside(report, monkeypatch) -> Path:
    monkeypatch.chdir(report)
    return report


def test_the_same_study_gives_the_same_bytes(inside):
    before = [path.read_bytes() for path in REPORT]
    assert written() == before
    assert all(len(content) < 5_000_000 for content in before)
    assert not any(str(inside).encode() in content for content in before)


def test_a_figure_that_is_missing_is_named(inside):
    path = FIGURES / "overview.png"
    hidden = path.rename(path.with_suffix(".away"))
    before = [hashlib.sha256(own.read_bytes()).digest() for own in REPORT]
    try:
        with pytest.raises(UserError, match=f"^{path}: no such file"):
            written()
    finally:
        hidden.rename(path)
    assert [hashlib.sha256(own.read_bytes()).digest() for own in REPORT] == before


def test_the_explorer_has_what_the_study_has(inside):
    study = Study(load_params())
    for task, name in zip(explorer(study)["tasks"], study.params.tasks, strict=True):
        observed = study.observed(name)
        assert task["conditions"] == observed.conditions and task["images"] == 4
        assert [one["name"] for one in task["restorers"]] == [
            "least squares",
            "non-saturating",
            "non-saturating + flow",
            "no prior",
        ]
        table = study.task_table(name)
        quality = "hole_psnr" if task["hides"] else "psnr"
        rows = table[(table.prior == "least_squares") & (table.method == "posterior_mean")]
        found = next(way for way in task["restorers"][0]["methods"] if way["name"] == "posterior mean")
        for scores, expected in zip(found["psnr"], rows[quality], strict=True):
            assert scores == [None] * 4 if np.isnan(expected) else abs(np.mean(scores) - expected) < 0.06


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=BROWSER, args=LOOKS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, inside):
    """The report in a window; whatever it logs or requests, and any error, ends the test."""
    view = browser.new_page(viewport={"width": 1200, "height": 900})
    complaints: list[str] = []
    view.on("console", lambda message: complaints.append(message.text))
    view.on("pageerror", lambda error: complaints.append(str(error)))
    address = REPORT[0].absolute().as_uri()
    view.on("request", lambda request: complaints.append(request.url) if request.url != address else None)
    view.goto(address)
    view.wait_for_selector("#explorer[data-drawn]")
    yield view
    view.close()
    assert [complaint for complaint in complaints if not complaint.startswith("data:")] == []


def status(page) -> str:
    page.wait_for_function(
        "document.querySelector('#explorer').dataset.drawn === document.querySelector('[role=status]').textContent"
    )
    return page.inner_text("[role=status]")


def shown(page, view: str) -> np.ndarray:
    """The pixels of one of the explorer's pictures (28, 28, 3)."""
    values = page.evaluate(
        "name => { const c = document.querySelector(`[data-view=${name}] canvas`);"
        " return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]; }",
        view,
    )
    return np.array(values, dtype=np.uint8).reshape(28, 28, 4)[..., :3]


@seen
def test_every_picture_decodes_and_nothing_is_wider_than_the_window(page):
    assert page.evaluate("document.images.length") > 10
    widths = "Promise.all([...document.images].map(one => one.decode().then(() => one.naturalWidth)))"
    assert all(page.evaluate(widths))
    for width in (1280, 820, 375):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(one => one.alt)")
    assert page.locator("math").count() > 5 and "| ---" not in page.inner_text("main")
    links = page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    assert links and all(page.locator(link).count() == 1 for link in links)


@seen
def test_the_explorer_shows_the_images_of_the_study(page):
    study = Study(load_params())
    quality = {  # of what is shown; the best prior comes first
        name: np.mean([value for row in of_mean["psnr"] for value in row if value is not None])
        for name, *means in (
            (one["name"], *(way for way in one["methods"] if way["uncertainty"]))
            for one in explorer(study)["tasks"][0]["restorers"]
        )
        for of_mean in means
    }
    best = max(quality, key=lambda name: quality[name])
    own = study.by_prior("denoising", next(name for name in study.params.searched if readable(name) == best))
    cell = np.flatnonzero(own.observed.cell("0.3"))
    assert len(quality) > 1 and status(page).startswith(f"image 1, class 1, sigma 0.3, {best}, posterior mean: ")
    for view, images in (
        ("original", own.observed.images),
        ("observed", own.observed.observation.y),
        ("restored", own.restored.images["posterior_mean"]),
        ("uncertainty", uncertainty(own.restored.spread["posterior_std"])),
    ):
        assert np.array_equal(shown(page, view)[..., 0], to_uint8(images[cell[0], 0])), view
    red, _, blue = np.moveaxis(shown(page, "difference").astype(int), -1, 0)
    difference = shown(page, "restored")[..., 0].astype(int) - shown(page, "original")[..., 0]
    assert np.array_equal(red - blue, difference)


@seen
def test_the_explorer_works_by_mouse(page):
    before = status(page)
    page.locator(".thumb").nth(2).click()
    page.wait_for_function("before => document.querySelector('[role=status]').textContent !== before", arg=before)
    assert status(page).startswith("image 3, class 0, sigma 0.3")
    page.select_option("[name=task]", label="inpainting")
    page.select_option("[name=restorer]", label="no prior")
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('no prior')")
    assert status(page).startswith("image 3, class 0, holes 2, no prior, telea: ")
    assert "in what is hidden" in status(page) and "no uncertainty" in page.inner_text("[data-view=uncertainty]")


@seen
def test_the_explorer_works_by_keyboard(page):
    page.focus("[name=condition]")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('sigma 0.6')")
    for _ in range(3):
        page.keyboard.press("Tab")  # restorer, method, images
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('image 2')")
    assert status(page).startswith("image 2, class 1, sigma 0.6")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "image 2, class 1"


@seen
def test_pages_of_the_pdf_are_not_blank(inside, tmp_path):
    subprocess.run(["pdftoppm", "-r", "20", "-gray", "-png", str(REPORT[1]), str(tmp_path / "page")], check=True)
    pages = [np.asarray(Image.open(path)) for path in sorted(tmp_path.glob("page*.png"))]
    assert len(pages) > 5 and all((page < 200).mean() > 0.001 for page in pages)


@pytest.mark.parametrize(("pixels", "inches"), [((330, 220), 3.0), ((1650, 220), 6.5), ((440, 1430), 2.0)])
def test_a_figure_is_printed_as_it_was_drawn_or_so_that_it_fits(tmp_path, pixels, inches):
    Image.new("L", pixels).save(tmp_path / "figure.png")
    assert printed_width(tmp_path / "figure.png") == pytest.approx(inches)
