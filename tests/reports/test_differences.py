"""Two campaigns side by side: what differs beyond noise, checked against scipy and by counting."""

from __future__ import annotations

import math
import random
from itertools import combinations

import pytest
from rich.console import Console
from scipy import stats

from longlag.reports.console import tables
from longlag.reports.differences import differences, verdict
from longlag.reports.page import as_html
from longlag.reports.results import Results
from longlag.reports.sheets import differs
from longlag.reports.statistics import Tally, exact_test, least_p, least_rank_p, rank_test
from longlag.reports.tables import as_latex, as_markdown


def runs(maker, method, lag, costs, unsolved=0, **more):
    for cost in costs:
        maker.run(method, lag, cost, **more)
    for _ in range(unsolved):
        maker.run(method, lag, None, **more)


def spread(middle, count, seed):
    chance = random.Random(seed)
    return [middle * chance.lognormvariate(0, 0.3) for _ in range(count)]


@pytest.fixture
def both(maker, another):
    """lstm: 10 of 10 in both, ten times dearer in the second; vanilla: 9 against 0; one lag alone in each."""
    runs(maker, "lstm", 10, spread(1e9, 10, 1))
    runs(another, "lstm", 10, spread(1e10, 10, 2))
    runs(maker, "vanilla", 10, spread(1e9, 9, 3), 1)
    runs(another, "vanilla", 10, [], 10)
    runs(maker, "vanilla", 50, [], 5)
    runs(another, "lstm", 50, [1e9] * 2)
    return Results([maker.made(), another.made()])


def test_each_test_is_scipys_and_the_adjustment_is_holms(both):
    found = differences(both)
    assert [(each.method, each.task, each.lags, each.measure) for each in found] == [
        ("vanilla", "adding:hs97", "10", "solved"),
        ("lstm", "adding:hs97", "10", "solved"),
        ("lstm", "adding:hs97", "10", "FLOPs"),
    ]
    rate, same, cost = found
    fisher = stats.fisher_exact([[9, 1], [0, 10]]).pvalue
    assert rate.p == pytest.approx(fisher)
    assert (rate.first, rate.second) == ((9, 10), (0, 10))
    one, two = spread(1e9, 10, 1), spread(1e10, 10, 2)
    ranks = stats.mannwhitneyu(one, two, method="exact").pvalue
    assert cost.p == pytest.approx(ranks)
    assert cost.first_flops == pytest.approx(sorted(one)[4] / 2 + sorted(one)[5] / 2)
    # all of lstm's retests are solved in both, so that its rates could not differ: two are compared
    assert same.p == pytest.approx(1)
    assert math.isnan(same.adjusted)
    low, high = sorted([fisher, ranks])
    assert sorted([rate.adjusted, cost.adjusted]) == pytest.approx([2 * low, max(2 * low, high)])
    assert rate.beyond_noise
    assert cost.beyond_noise
    assert not same.beyond_noise


def test_all_cases_of_a_method_are_taken_together_case_by_case(maker, another):
    for lag in (10, 20, 50):
        runs(maker, "lstm", lag, [1e9] * 3, 2)
        runs(another, "lstm", lag, [1e9], 4)
    together = differences(Results([maker.made(), another.made()]))[0]
    assert (together.task, together.lags, together.measure) == ("", "3 cases", "solved")
    # Mantel and Haenszel's exact test, by counting: of 4 solved among 10 the first has 5
    chances = [0.0] * 16
    for a in range(5):
        for b in range(5):
            for c in range(5):
                chances[a + b + c] += math.prod(
                    math.comb(5, k) * math.comb(5, 4 - k) / math.comb(10, 4) for k in (a, b, c)
                )
    assert together.p == pytest.approx(sum(p for p in chances if p <= chances[9] * (1 + 1e-9)))


def test_no_difference_is_beyond_noise(maker, another):
    runs(maker, "lstm", 10, spread(1e9, 5, 1))
    runs(another, "lstm", 10, spread(1e9, 5, 2))
    results = Results([maker.made(), another.made()])
    assert verdict(results) == (
        "Between made and another no difference is beyond noise (1 of 2 comparisons could show one)."
    )
    assert "no difference is beyond noise" in as_markdown(results)


def test_too_few_retests_are_said(maker, another):
    for lag in range(10, 20):
        runs(maker, "lstm", lag, [1e9] * 5)
        runs(another, "lstm", lag, [], 5)
    results = Results([maker.made(), another.made()])
    # ten cases of p = 2 / 252, and all together: eleven comparisons
    assert [each.beyond_noise for each in differences(results)] == [True] + [False] * 10
    assert "the retests of a single case are too few to show one" in verdict(results)


def test_identical_campaigns_and_chance_alone(maker, another):
    """Under one and the same truth at most 5% of the pairs of campaigns have any difference."""
    chance = random.Random(0)
    wrong = 0
    for _ in range(25):
        for each in (maker, another):
            each.rows = []
            for method in ("lstm", "vanilla"):
                for lag in (10, 20):
                    solved = sum(chance.random() < 0.7 for _ in range(8))
                    costs = [chance.lognormvariate(20, 1) for _ in range(solved)]
                    runs(each, method, lag, costs, 8 - solved)
        results = Results([maker.made(), another.made()])
        wrong += any(each.beyond_noise for each in differences(results))
    assert wrong <= 4


def test_ties_are_counted_exactly():
    one, two = [1.0, 1.0, 2.0, 3.0], [2.0, 3.0, 3.0, 4.0, 5.0]
    pooled = [*one, *two]

    def statistic(first, second):
        return sum((a > b) + 0.5 * (a == b) for a in first for b in second)

    splits = list(combinations(range(9), 4))
    below = above = 0
    for split in splits:
        first = [pooled[index] for index in split]
        second = [value for index, value in enumerate(pooled) if index not in split]
        below += statistic(first, second) <= statistic(one, two)
        above += statistic(first, second) >= statistic(one, two)
    assert rank_test(one, two) == pytest.approx(2 * min(below, above) / len(splits))
    assert rank_test([1e9] * 10, [1e9] * 10) == 1
    assert rank_test(one, two) == rank_test(one, two)


def test_the_least_p_is_that_of_the_largest_difference():
    for n, m in ((4, 4), (3, 7), (5, 5)):
        assert least_rank_p(n, m) == pytest.approx(rank_test(range(n), range(n, n + m)))
    for solved in range(11):
        tables_ = [Tally(a, 5) for a in range(max(0, solved - 5), min(5, solved) + 1)]
        every = [exact_test([table], [Tally(solved - table.solved, 5)]) for table in tables_]
        assert least_p([tables_[0]], [Tally(solved - tables_[0].solved, 5)]) == pytest.approx(min(every))


def test_everything_says_it(both):
    console = Console(width=100)
    with console.capture() as capture:
        console.print(*tables(both))
    shown = " ".join(capture.get().split())
    assert "What differs beyond noise" in shown
    assert "vanilla on adding:hs97, lag 10: solved 9/10 0/10" in shown
    assert "Between made and another 2 differences are beyond noise (2 of 3 comparisons" in shown
    for text in (as_html(both), as_markdown(both), as_latex(both)):
        assert "Differences" in text
        assert "9/10" in text
        assert "2 differences are beyond noise" in text


def test_one_campaign_and_three_have_none(maker, another):
    runs(maker, "lstm", 10, [1e9])
    runs(another, "lstm", 10, [1e9])
    made = [maker.made(), another.made(), maker.made()]
    for campaigns in (made[:1], made):
        results = Results(campaigns)
        assert differences(results) == []
        assert verdict(results) == ""
        assert "Differences |" not in as_markdown(results)


def test_what_else_differs(both, maker, another):
    same = "retests on a shared seed have the same settings too: the same draws again, no replication"
    assert differs(both) == [
        f"runs: 20 of 20 {same}",
        "only in made: adding:hs97, vanilla at 50",
        "only in another: adding:hs97, lstm at 50",
    ]
    one, two = maker.made(), another.made()
    two.manifest.profile |= {"seed": 4, "retests": 10, "name": "other", "sampler": "random"}
    two.manifest.versions["torch"] = "2.14.0"
    two.manifest.git["commit"] = "89abcdef01"
    two.trials["code_hash"] = "f" * 12
    two.trials["budget"] = 2e10
    lines = differs(Results([one, two]), cases=False)
    assert lines == [
        "seed: 3 against 4",
        "retests: 5 against 10",
        "sampler: none against random",
        "budget: at 2 of 2 shared lags, as on adding:hs97 at 10: 1e10 against 2e10 FLOPs",
        "code: in 2 of 2 shared cases (commit 0123abc against 89abcde)",
        "versions: torch 2.13.0 against 2.14.0",
        f"runs: 20 of 20 {same}",
    ]
    assert "torch 2.13.0 against 2.14.0" in as_markdown(Results([one, two]))


def test_runs_that_both_have_are_said_to_be_no_replication(maker, another):
    setting = {"learning_rate": 0.1}
    for run in range(4):
        maker.run("lstm", 10, 1e9, hyperparameters=setting)
        another.run("lstm", 10, 1e9, hyperparameters=setting if run < 3 else {"learning_rate": 0.2})
    lines = differs(Results([maker.made(), another.made()]))
    assert (
        "runs: 3 of 4 retests on a shared seed have the same settings too: the same draws again"
        in " ".join(lines)
    )
