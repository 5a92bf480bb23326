"""Figures and tables for papers: their sizes, their legends, and what is in them."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree

import pytest

from longlag.reports import paper
from longlag.reports.results import Results


@pytest.fixture(scope="module")
def results(campaign):
    return Results([campaign])


@pytest.fixture(scope="module")
def ladder(results):
    return next(each for each in paper.specs(results) if each[0] == "ladder")


@pytest.fixture(scope="module")
def drawn(results, ladder):
    return dict(paper.figures(results, iter([ladder])))


def test_a_figure_has_every_form_at_every_width(drawn):
    names = {f"ladder_adding_hs97_{width}.{kind}" for width in paper.WIDTHS for kind in ("svg", "png", "pdf")}
    assert names | {"ladder_adding_hs97_cases.csv"} == drawn.keys()
    for width, inches in paper.WIDTHS.items():
        svg = ElementTree.fromstring(drawn[f"ladder_adding_hs97_{width}.svg"])
        assert float(svg.get("width")) == pytest.approx(96 * inches, abs=1)
        png = drawn[f"ladder_adding_hs97_{width}.png"]
        assert png[:4] == b"\x89PNG"
        assert int.from_bytes(png[16:20]) == pytest.approx(4 * 96 * inches, abs=4)
        assert drawn[f"ladder_adding_hs97_{width}.pdf"].startswith(b"%PDF")
        box = re.search(rb"MediaBox \[0 0 ([\d.]+)", drawn[f"ladder_adding_hs97_{width}.pdf"])
        assert float(box.group(1)) == pytest.approx(72 * inches, abs=1)


def test_no_name_of_the_legend_lies_over_the_next(results, drawn):
    for width, inches in paper.WIDTHS.items():
        across = paper.across(list(results.methods), inches * 96)
        longest = max(map(len, results.methods)) * paper.LETTER + paper.SIGN
        assert across >= 1
        assert across * longest <= inches * 96
        svg = drawn[f"ladder_adding_hs97_{width}.svg"].decode()
        assert all(f">{method}<" in svg for method in results.methods)
    long = [f"a_very_long_name_of_a_method_{number}" for number in range(9)]
    assert paper.across(long, 3.25 * 96) == 1


def test_the_rows_behind_a_figure_are_those_it_draws(results, drawn):
    rows = list(csv.DictReader(io.StringIO(drawn["ladder_adding_hs97_cases.csv"].decode())))
    cases = results.cases_of(results.panels[0])
    assert [(row["method"], row["lag"], row["told"]) for row in rows] == [
        (case.method, str(case.lag), f"{case.solved}/{case.n}") for case in cases.itertuples()
    ]


def test_every_table_is_there_in_three_forms(results):
    written = dict(paper.tables(results))
    names = {"frontier", "cases", "tuning", "order", "areas", "oftener", "attempts", "hyperparameters"}
    assert {f"{name}.{kind}" for name in names for kind in ("csv", "md", "tex")} == written.keys()
    assert written["order.tex"].count("\\toprule") == 1
    assert written["areas.md"].startswith("## Area under success")
    orders = list(csv.DictReader(io.StringIO(written["order.csv"])))
    assert sorted(row["Method"] for row in orders) == sorted(results.methods)
