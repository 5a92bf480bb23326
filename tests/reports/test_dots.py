import pytest

from longlag.reports import charts, figures
from longlag.reports.results import Results
from tests.reports.test_page import flat, rows


def one_lag(maker):
    for method, solved in (("vanilla", 0), ("lstm", 3)):
        for number in range(3):
            maker.run(method, 64, 1e8 * (number + 1) if number < solved else None)
    return Results([maker.made()])


@pytest.mark.parametrize(
    "builder", [figures.ladder, figures.errors, figures.cost], ids=lambda each: each.__name__
)
def test_of_one_lag_there_is_a_row_of_dots_a_method(maker, builder):
    results = one_lag(maker)
    spec = builder(results, results.panels[0])
    marks = [layer["mark"]["type"] for layer in flat(spec)]
    assert "line" not in marks
    assert "point" in marks
    points = next(layer for layer in flat(spec) if layer["mark"]["type"] == "point")
    assert points["encoding"]["y"]["field"] == "method"
    values = {row["value"] for row in rows(spec, points)}
    assert (
        values
        == {
            figures.ladder: {0.0, 1.0},
            figures.errors: {0.0, 0.93},
            figures.cost: {1e8, 2e8, 3e8, 1e10},
        }[builder]
    )
    lines = [layer for layer in flat(spec) if "strokeDash" in layer["mark"]]
    (line,) = [row.get("chance", row.get("budget")) for layer in lines for row in rows(spec, layer)]
    assert line == {figures.ladder: 0.0, figures.errors: 0.93, figures.cost: 1e10}[builder]
    assert charts.static(spec)
