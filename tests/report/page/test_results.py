"""Single numbers of tables: the one row that is asked for, or an error that says how many there are."""

from pathlib import Path

import pytest

from stages.pipeline.errors import UserError
from stages.report.page.results import cell, rows
from stages.report.page.text import fixed, percent, scientific, signed

TABLE = """prior,latent,method,sigma,psnr,fitted
vae,normal,map,0.1,20.25,true
vae,normal,map,1,,false
vae,flow,map,0.1,21.5,true
"""


@pytest.fixture(autouse=True)
def _table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("metrics").mkdir()
    Path("metrics/denoising.csv").write_text(TABLE)


def test_a_cell_is_the_value_of_the_one_row_that_matches():
    assert cell("denoising", "psnr", prior="vae", latent="normal", sigma=0.1) == 20.25
    assert cell("denoising", "psnr", sigma=1) is None
    assert cell("denoising", "sigma", fitted=False) == 1


@pytest.mark.parametrize(
    ("column", "keys", "words"),
    [
        ("psnr", {"sigma": 0.1}, "has 2 such rows: allowed is 1"),
        ("psnr", {"sigma": 0.2}, "has 0 such rows: allowed is 1"),
        ("mse", {"sigma": 1}, "has no column 'mse'"),
        ("psnr", {"holes": 1}, "column 'holes' is missing; it has prior, latent"),
    ],
)
def test_any_other_number_of_rows_is_an_error(column, keys, words):
    with pytest.raises(UserError, match=words):
        cell("denoising", column, **keys)


def test_rows_are_those_that_match_in_the_tables_order():
    assert [row.psnr for row in rows("denoising", prior="vae")] == [20.25, None, 21.5]
    assert rows("denoising", latent="flow", fitted=True)[0].sigma == 0.1
    assert rows("flows") == []


def test_a_changed_table_is_read_again():
    assert len(rows("denoising")) == 3
    Path("metrics/denoising.csv").write_text(TABLE + "glo,normal,map,0.1,19,true\n")
    assert len(rows("denoising")) == 4


def test_tables_of_data_are_found_by_their_folder():
    folder = Path("data/other_images/emoji")
    folder.mkdir(parents=True)
    (folder / "paired.csv").write_text("prior,difference\nglo,1.5\n")
    assert cell("other_images/emoji/paired", "difference", prior="glo") == 1.5


def test_numbers_are_spelled():
    assert fixed(2.345, 2) == "2.35" and fixed(3, 0) == "3" and fixed(-0.04, 1) == "0.0"
    assert signed(0.25, 1) == "+0.2" and signed(-1.26, 1) == "\N{MINUS SIGN}1.3" and signed(-0.001, 1) == "0.0"
    assert percent(0.1234, 1) == "12.3\N{NO-BREAK SPACE}%"
    assert scientific(1.24e-05, 1).split() == ["1.2", "\N{MULTIPLICATION SIGN}", "10^\N{MINUS SIGN}5^"]
    assert scientific(3.0, 1) == "3.0" and scientific(0.0, 1) == "0.0"
    with pytest.raises(UserError, match="None is no number"):
        fixed(None, 1)
