import html

from longlag.reports.captions import CAPTIONS
from longlag.reports.page import as_html
from longlag.reports.results import Results


def test_captions_worked_by_hand(maker):
    for method, lag, costs in (
        ("vanilla", 10, (4e8, None)),
        ("lstm", 10, (1e8, 1e8)),
        ("lstm", 50, (2e9, 2e9)),
    ):
        for cost in costs:
            key = maker.run(method, lag, cost, status="vanished")
            maker.curve(key, [0.9, 0.0])
            maker.probe(key, 0.5, 11, "after")
    maker.run("lstm", 10, None, phase="tune")
    maker.run("lstm", 10, 1e8, phase="tune")
    results = Results([maker.made()])
    (panel,) = results.panels
    said = {
        name: make(results, panel if name != "profile" else results.overall[0])
        for name, make in CAPTIONS.items()
        if name != "heat"
    }
    assert said["reach"] == (
        "lstm reaches farthest, 50, the longest lag that was tried; vanilla bridges no lag tried.",
        "6 retests",
    )
    assert said["ladder"].says == "Solved at the longest lag tried, 50: lstm 2/2."
    assert (
        said["cost"].says
        == "At lag 10 lstm is the cheapest, a median of 1e8 FLOPs, 4 times less than vanilla."
    )
    assert said["outcomes"].says == "1 of 6 retests are unsolved: 1 vanished."
    assert said["learning"] == ("5 of 6 curves of lags 10, 50 end solved.", "6 retests")
    assert (
        said["gradients"].says
        == "At lag 50, after training, the gradient farthest back is 9.77e-4 of the nearest in lstm."
    )
    assert said["tuning"] == ("1 of 2 trials solve; in 0 of 1 case none does.", "2 tuning trials")
    assert (
        said["profile"].says
        == "lstm solves 100% of the cases as the cheapest; lstm solves 100% within 1000 times its cost."
    )
    assert said["errors"].says == "At lag 50 lstm has the lowest median error, 0% (chance 93%)."
    page = html.unescape(as_html(results))
    assert all(each.says in page for each in said.values())


def test_nobody_is_the_cheapest_where_nothing_is_solved(maker):
    for lag in (10, 20):
        maker.run("lstm", lag, None)
    results = Results([maker.made()])
    assert CAPTIONS["profile"](results, results.overall[0]).says == "No method solves a case."


def test_equals_are_named_together_and_ends_are_counted(maker):
    for method, error in (("lstm", 0.0), ("echo_state", 0.0), ("vanilla", 0.8)):
        solved = 1e8 if not error else None
        for status in ("plateau", "vanished"):
            maker.run(method, 10, solved, status=status, error=error)
    results = Results([maker.made()])
    (panel,) = results.panels
    said = CAPTIONS["errors"](results, panel).says
    assert said.startswith("At lag 10 lstm and echo_state have the lowest median error, 0% (chance")
    assert (
        CAPTIONS["outcomes"](results, panel).says == "2 of 6 retests are unsolved: 1 plateau and 1 vanished."
    )
