import csv
import io
import math

import pytest
from rich.console import Console

from longlag.reports import beside, reach
from longlag.reports.answers import answers
from longlag.reports.comparisons import compare
from longlag.reports.console import tables
from longlag.reports.controls import certificates, controls
from longlag.reports.page import as_html
from longlag.reports.results import Results
from longlag.reports.statistics import Interval
from longlag.reports.tables import as_csv, as_latex, as_markdown


@pytest.fixture
def small(maker):
    """Vanilla: 1 of 2 at lag 10, none of 2 at 50; lstm: 2 of 2 at both; echo_state: tuned only."""
    maker.methods = ["vanilla", "lstm", "echo_state"]
    maker.run("vanilla", 10, 2e9, phase="tune", hyperparameters={"learning_rate": 0.5})
    maker.run("vanilla", 10, None, phase="tune", score=2.0)
    maker.run("vanilla", 10, 4e9, hyperparameters={"learning_rate": 0.5})
    maker.run("vanilla", 10, None, status="exploded", spent=1e9, error=0.93)
    maker.run("vanilla", 50, None, status="plateau")
    maker.run("vanilla", 50, None, status="plateau")
    for lag in (10, 50):
        maker.run("lstm", lag, 1e9)
        maker.run("lstm", lag, 3e9)
    maker.run("echo_state", 10, None, phase="tune", status="crashed", score=3.0)
    return Results([maker.made()])


def case(results, method, lag):
    cases = results.cases
    return cases[(cases["method"] == method) & (cases["lag"] == lag)].iloc[0]


def test_a_case_worked_by_hand(small):
    row = case(small, "vanilla", 10)
    assert (row["n"], row["solved"], row["rate"], row["trials"]) == (2, 1, 0.5, 2)
    assert row["median_flops_to_solve"] == 4e9
    assert row["expected_flops_to_solve"] == 4e9 + 1e9
    assert row["outcomes"] == "exploded 1"
    assert row["best_tuning_score"] == pytest.approx(0.2)
    # retests: 4e9 / 1e10 and 1 + .93 / .93
    assert row["mean_retest_score"] == pytest.approx((0.4 + 2) / 2)
    assert row["gap"] == pytest.approx(1.0)
    assert row["best_hyperparameters"] == '{"learning_rate": 0.5}'
    assert row["median_error"] == pytest.approx(0.465)


def test_medians_and_intervals_over_the_solved(small):
    row = case(small, "lstm", 50)
    assert row["median_flops_to_solve"] == 2e9
    assert math.isnan(row["median_flops_low"])
    assert math.isnan(row["median_flops_high"])
    assert row["expected_flops_to_solve"] == 2e9


def test_a_median_has_an_interval_from_six_solved_retests_on(maker):
    for cost in (3e9, 1e9, 6e9, 2e9, 5e9):
        maker.run("lstm", 10, cost)
    maker.run("lstm", 10, None)
    assert "| lstm | 5/6 | [0.44, 0.97] | 3e9 |" in as_markdown(Results([maker.made()]))
    maker.run("lstm", 10, 4e9)
    found = Results([maker.made()])
    row = case(found, "lstm", 10)
    assert (row["median_flops_low"], row["median_flops_high"]) == (1e9, 6e9)
    assert "| 3.5e9 [1e9, 6e9] |" in as_markdown(found)


def test_nothing_solved_is_infinitely_expensive_not_missing(small):
    row = case(small, "vanilla", 50)
    assert row["expected_flops_to_solve"] == math.inf
    assert math.isnan(row["median_flops_to_solve"])
    assert (row["low"], row["outcomes"]) == (0.0, "plateau 2")


def test_tuned_but_never_retested(small):
    row = case(small, "echo_state", 10)
    assert (row["n"], row["trials"], row["best_tuning_score"]) == (0, 1, 3.0)
    assert math.isnan(row["rate"])
    assert math.isnan(row["gap"])


def test_a_crash_without_a_count_pays_the_whole_budget(maker):
    maker.run("lstm", 10, 1e9)
    maker.run("lstm", 10, None, status="crashed", spent=math.nan)
    assert case(Results([maker.made()]), "lstm", 10)["expected_flops_to_solve"] == 1e9 + 1e10


def test_csv_has_a_row_a_case_in_the_profiles_order(small):
    rows = list(csv.DictReader(io.StringIO(as_csv(small))))
    assert [(row["method"], row["lag"]) for row in rows] == [
        ("vanilla", "10"),
        ("lstm", "10"),
        ("echo_state", "10"),
        ("vanilla", "50"),
        ("lstm", "50"),
    ]
    assert "campaign" not in rows[0]
    assert float(rows[1]["low"]) == pytest.approx(0.34238, abs=1e-5)  # Wilson for 2 of 2


def test_frontier_cells_say_what_was_tried(small):
    head, rows = reach.table(small)
    assert head == ["Method", "adding:hs97"]
    assert rows == [["vanilla", "< 10"], ["lstm", "≥ 50 [23, > 50]"], ["echo_state", "< 10"]]


def test_a_climb_is_judged_by_its_own_rungs(maker):
    """What another climb tried and this one did not is no failure."""
    for lag, rung, solved in ((10, 1, 5), (20, 2, 5), (50, 3, 0), (35, 4, 5)):
        for _ in range(5):
            maker.run("lstm", lag, 1e9 if solved else None, rung=rung)
    for lag, rung, solved in ((10, 1, 5), (20, 2, 0), (15, 3, 0)):
        for _ in range(5):
            maker.run("vanilla", lag, 1e9 if solved else None, rung=rung)
    results = Results([maker.made()])
    _, rows = reach.table(results)
    assert [row[1].partition(" [")[0] for row in rows] == ["10", "35"]
    assert "| 20 |" in as_markdown(results)
    console = Console(width=60, file=io.StringIO())
    console.print(*tables(results))
    shown = " ".join(console.file.getvalue().split())
    assert "lstm 35 [" in shown
    assert "1e9 50: 0/5 plateau 5" in shown
    assert "1e9 15: 0/5 plateau 5" in shown
    assert answers(results)[0].summary == "lstm bridges a lag of 35; none bridges 50."


def certified(maker):
    """A climb with its controls: the window at chance, and what guesses and the twin came to."""
    for lag, rung in ((10, 1), (20, 2)):
        for _ in range(5):
            maker.run("lstm", lag, 1e9, rung=rung)
    for _ in range(2):
        maker.run("window", 20, None, error=0.92)
        maker.run("guesses", 20, 1e8)
    for cost in (1e9, 1e9, 1e9, None):
        maker.run("vanilla", 20, cost, variant="hs97_twin")
    made = maker.made()
    studies = ("window/adding:hs97/20", "guesses/adding:hs97/20", "vanilla/adding:hs97_twin/20")
    made.manifest.controls.update(dict.fromkeys(studies, "hs97"))
    return Results([made])


def test_controls_are_no_results(maker):
    results = certified(maker)
    assert results.methods == ["lstm"]
    assert [(panel.task, panel.variant) for panel in results.panels] == [("adding", "hs97")]
    assert len(results.cases) == 2


def test_controls_say_whether_it_is_the_lag(maker):
    said = {control.method: (control.fine, control.verdict) for control in controls(certified(maker))}
    assert said == {
        "guesses": (False, "WARNING: guesses, which bridges nothing, solves it (2/2)"),
        "vanilla": (False, "not solved without its lag either: vanilla 3/4 of its twin within 1e10 FLOPs"),
        "window": (True, "window is at chance (0/2, 92% wrong, chance 93%)"),
    }
    ((label, lag, sentence),) = certificates(results := certified(maker))
    assert (label, lag) == ("adding:hs97", 20)
    for text in (as_markdown(results), as_html(results)):
        assert "Is it the lag?" in text
        assert "window is at chance" in text
    assert "WARNING" in sentence


def test_what_controls_say_in_two_campaigns_alike_is_said_once(maker, another):
    same = [next(iter(certified(each).campaigns.values())) for each in (maker, another)]
    ((label, lag, sentence),) = certificates(Results(same))
    assert (label, lag) == ("adding:hs97", 20)
    assert "window is at chance" in sentence
    assert certificates(Results(same, joined=True)) == certificates(Results(same))
    another.run("window", 20, None, error=0.5)
    other = another.made()
    other.manifest.controls.update(same[1].manifest.controls)
    told = {label: said for label, _, said in certificates(Results([same[0], other]))}
    assert list(told) == ["adding:hs97 · made", "adding:hs97 · another"]
    assert told["adding:hs97 · made"] == sentence


def test_a_lag_that_was_given_stands_beside_the_rung_of_a_climb(maker, another):
    """With what certifies the task, the twin's run among it."""
    published = certified(maker)
    another.run("mine", 20, 2e9)
    results = beside(Results([another.made()]), published)
    console = Console(width=80, file=io.StringIO())
    console.print(*tables(results))
    far, _, rates = console.file.getvalue().partition("Retests on fresh seeds")
    # One that was asked a lag is among those that climbed, too.
    assert "mine ≥ 20" in " ".join(far.split())
    shown = " ".join(rates.split())
    assert "adding:hs97, lag 20" in shown
    assert shown.index("mine 1/1") < shown.index("lstm · made 5/5")
    assert "lag 10" not in shown.partition("Is it the lag?")[0]
    assert "vanilla 3/4 of its twin" in shown


def test_campaigns_stand_side_by_side(maker, another):
    for each in (maker, another):
        each.run("lstm", 10, 1e9)
    results = Results([maker.made(), another.made()])
    rows = list(csv.DictReader(io.StringIO(as_csv(results))))
    assert [(row["campaign"], row["n"]) for row in rows] == [("made", "1"), ("another", "1")]
    assert "| made | adding:hs97 |" in as_markdown(results)
    assert as_latex(results).count("    another & adding:hs97 & 10 & lstm & 1/1") == 1


def test_campaigns_of_one_name_are_told_apart(maker):
    maker.run("lstm", 10, 1e9)
    assert list(Results([maker.made(), maker.made()]).campaigns) == ["made (1)", "made (2)"]


def test_latex_is_escaped(maker):
    maker.run("gradient_clipping", 10, None, status="50% & $x_1^2$ {#} ~\\")
    text = as_latex(Results([maker.made()]))
    assert "gradient\\_clipping" in text
    assert "50\\% \\& \\$x\\_1\\textasciicircum{}2\\$ \\{\\#\\} \\textasciitilde{}\\textbackslash{} 1" in text
    body = [line for line in text.splitlines() if line.endswith("\\\\") and "50\\%" in line]
    assert [line.replace("\\&", "").count("&") for line in body] == [9]


def test_latex_sets_powers_of_ten(maker):
    maker.run("lstm", 10, 2.5e9)
    assert "$2.5\\times10^{9}$" in as_latex(Results([maker.made()]))


def test_markdown_cells_cannot_break_the_table_or_run(maker):
    maker.run("lstm", 10, None, status="a|b <script> `c`\nd")
    text = as_markdown(Results([maker.made()]))
    assert "a\\|b &lt;script&gt; \\`c\\` d 1" in text
    assert "<script>" not in text


def test_the_terminal_table(small):
    console = Console(width=80)
    with console.capture() as capture:
        console.print(*tables(small))
    lines = [" ".join(line.split()) for line in capture.get().splitlines()]
    first = lines.index("adding:hs97, lag 10 chance 93%")
    assert lines[first + 1] == "vanilla 1/2 [0.09, 0.91] 4e9 exploded 1"
    assert lines[first + 2] == "lstm 2/2 [0.34, 1.00] 2e9"
    assert lines[first + 3] == "echo_state no retests"
    second = next(index for index, line in enumerate(lines) if line.startswith("adding:hs97, lag 50"))
    assert lines[second + 1] == "vanilla 0/2 [0.00, 0.66] plateau 2"
    assert not lines[second + 3]  # a method that has no trials here has no line


def test_a_narrow_terminal_loses_no_column(maker):
    maker.run("lstm+gradient_clipping", 10, None, status="out_of_memory")
    maker.run("lstm+gradient_clipping", 10, 2e9)
    console = Console(width=60)
    with console.capture() as capture:
        console.print(*tables(Results([maker.made()])))
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= 60
    (row,) = [" ".join(line.split()) for line in lines if "1/2" in line]
    assert row.endswith("1/2 [0.09, 0.91] 2e9 out_of_memory 1")
    assert any(line.split() == ["solved", "FLOPs", "unsolved"] for line in lines)


def test_the_terminal_shows_names_as_they_are(maker):
    maker.run("lstm", 10, None, status="[red]odd[/red]")
    console = Console(width=140)
    with console.capture() as capture:
        console.print(*tables(Results([maker.made()])))
    assert "[red]odd[/red]" in capture.get()


def test_pairs_of_methods_over_shared_cases(small):
    (pair,) = compare(small)
    assert (pair.first, pair.second, pair.cases) == ("vanilla", "lstm", 2)
    assert (pair.first_tally, pair.second_tally) == ((1, 4), (4, 4))
    assert (pair.first_alone, pair.second_alone) == ("", "adding:hs97 10, 50")
    # of 3 solved at lag 10 vanilla's share is 1 or 2, each with 1/2; of 2 at lag 50 it is 0 with 1/6:
    # P(1) = 1/2 * 1/6, and P(4), its mirror image, is as likely
    assert pair.p == pytest.approx(1 / 6)
    assert pair.adjusted == pair.p


def test_orders_methods_as_the_profile_does(maker):
    maker.methods = ["lstm", "vanilla"]
    for method in ("echo_state", "vanilla", "lstm"):
        maker.run(method, 10, 1e9)
    assert Results([maker.made()]).methods == ["lstm", "vanilla", "echo_state"]


def test_an_interval_beyond_all_lags_says_so():
    found = reach.Reach(1000, Interval(math.inf, math.inf), 10, 1000)
    assert str(found) == "≥ 1000 [> 1000, > 1000]"


def test_a_lag_that_a_method_was_never_asked_was_not_failed(maker):
    for lag, methods in ((20, ["vanilla"]), (50, ["vanilla", "lstm"]), (100, ["lstm"])):
        for method in methods:
            for _ in range(5):
                maker.run(method, lag, 1e9)
    frontiers = as_markdown(Results([maker.made()])).partition("## Cases")[0]
    assert "| vanilla | ≥ 50 [" in frontiers
    assert "| lstm | ≥ 100 [" in frontiers
