"""What solving took, on any axis: medians of cases, worked by hand."""

import pytest

from longlag.reports import paid
from longlag.reports.captions import CAPTIONS
from longlag.reports.results import Results


def test_the_five_axes_are_those_of_the_case(maker):
    for flops in (1e8, 2e8, 4e8):
        maker.run("lstm", 10, flops)
    results = Results([maker.made()])
    rows = paid.paid(results, results.panels[0]).set_index("measure")["value"]
    # As the maker counts: 1e5 FLOPs a sequence, 2e6 an update, 1e9 a second; 8 units with a cell each.
    expected = {"state bytes": 64, "FLOPs": 2e8, "sequences": 2000, "updates": 100, "seconds": 0.2}
    assert rows.to_dict() == pytest.approx(expected)


def test_what_nobody_solved_is_left_out(maker):
    maker.run("lstm", 10, 1e8)
    maker.run("lstm", 20, None)
    maker.run("vanilla", 10, None)
    results = Results([maker.made()])
    rows = paid.paid(results, results.panels[0])
    assert set(zip(rows["method"], rows["lag"], strict=True)) == {("lstm", 10)}


def test_the_caption_compares_where_most_can_be(maker):
    maker.run("vanilla", 10, 1e8)
    maker.run("lstm", 10, 1e8)
    maker.run("lstm", 20, 1e8)
    results = Results([maker.made()])
    said = CAPTIONS["paid"](results, results.panels[0])
    assert said.says == "At lag 10 vanilla remembers 32 bytes of a sequence, lstm 64."
    assert said.n == "3 cases"


def test_rows_that_do_not_say_are_no_choice(maker):
    maker.run("vanilla", 10, 1e8)
    maker.rows[0]["state_bytes"] = float("nan")
    results = Results([maker.made()])
    (choice,) = [
        each for each in paid.chart(results, results.panels[0])["params"] if each["name"] == "measure"
    ]
    assert choice["bind"]["options"] == ["FLOPs", "sequences", "updates", "seconds"]
    assert CAPTIONS["paid"](results, results.panels[0]).says == ""


def test_the_seconds_are_of_the_retests_that_solved(maker):
    for flops in (1e8, 2e8, 4e8, None, None, None, None):
        maker.run("lstm", 10, flops, spent=1e10)
    results = Results([maker.made()])
    rows = paid.paid(results, results.panels[0]).set_index("measure")["value"]
    assert rows["seconds"] == pytest.approx(0.2)
