"""What was trained at one lag and asked at longer ones, worked out by hand."""

import pytest

from longlag.reports.extrapolations import extrapolated
from longlag.reports.page import as_html
from longlag.reports.results import Results
from longlag.reports.tables import as_csv, as_markdown


@pytest.fixture
def results(maker):
    """lstm at lag 10: five runs reach 2 T, one of them 4 T; vanilla: none; long_lag cannot be asked."""
    for number in range(5):
        maker.ask(maker.run("lstm", 10, 1e9), 0.0, 0.004 if number == 0 else 0.3, *[0.8] * (number == 0))
    maker.run("lstm", 10, None)
    maker.ask(maker.run("vanilla", 10, 1e9), 0.5)
    maker.ask(maker.run("echo_state", 10, 1e9), 0.0, "too dear")
    maker.run("vanilla", 50, 1e9)
    maker.ask(maker.run("lstm", 50, 1e9, task="long_lag"), "101 inputs, not 51")
    return Results([maker.made()])


def test_a_run_that_failed_is_not_counted_at_the_next_lag(results):
    table = extrapolated(results)
    assert table.factors == [2, 4, 8]
    assert [(row.method, row.lag, row.runs, row.reaches, row.cells, row.why) for row in table.rows] == [
        ("vanilla", 10, 1, "10", ["0/1 (50%)", "–", "–"], ""),
        ("lstm", 10, 5, "20", ["5/5 (0%)", "1/5 (30%)", "0/1 (80%)"], ""),
        ("echo_state", 10, 1, "≥ 20", ["1/1 (0%)", "–", "–"], ""),
        ("lstm", 50, 1, "–", ["–", "–", "–"], "101 inputs, not 51"),
    ]


def test_the_page_the_summary_and_the_table_say_it(results):
    for text in (as_html(results), as_markdown(results)):
        assert "Trained at T, tested at longer lags" in text
        assert "1/5 (30%)" in text.replace("\\(", "(")
        assert "not asked: 101 inputs, not 51" in text
    cases = results.cases.set_index(["task", "method", "lag"])["median_extrapolates"]
    assert cases["adding", "lstm", 10] == 2
    assert cases["adding", "vanilla", 10] == 1
    assert cases.isna()["adding", "vanilla", 50]
    assert "median_extrapolates" in as_csv(results).splitlines()[0]


def test_a_column_that_no_run_came_to_is_left_out(maker):
    maker.ask(maker.run("lstm", 10, 1e9), 0.0, "too dear", "too dear")
    table = extrapolated(Results([maker.made()]))
    assert (table.factors, table.rows[0].cells) == ([2], ["1/1 (0%)"])


def test_nothing_is_said_where_nothing_was_asked(maker):
    maker.run("lstm", 10, 1e9)
    results = Results([maker.made()])
    assert "Trained at T" not in as_html(results) + as_markdown(results)
