"""What is said over all tasks: profiles, areas, orders, attempts, who solves more often."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from longlag.reports import across, tries
from longlag.reports.areas import area, areas, weights
from longlag.reports.oftener import oftener, solves_oftener
from longlag.reports.profiles import TAUS, profile, profiles
from longlag.reports.ranks import orders, stability
from longlag.reports.results import Results
from longlag.reports.statistics import (
    Tally,
    exact_test,
    expected_draws,
    expected_interval,
    holm,
    wilson,
)
from tests.reports.conftest import Maker


def test_the_interval_of_the_expected_cost_is_scipy_s():
    costs, won = np.array([1.0, 2, 4, 10, 10, 3, 5, 10]), np.array([1, 1, 1, 0, 0, 1, 1, 0], dtype=bool)

    def art(paid, solved, axis):
        return paid.sum(axis) / solved.sum(axis)

    theirs = stats.bootstrap(
        (costs, won.astype(float)), art, paired=True, n_resamples=9999, method="percentile",
        rng=np.random.default_rng(1), vectorized=True,
    ).confidence_interval  # fmt: skip
    ours = expected_interval(costs, won)
    assert ours == pytest.approx((theirs.low, theirs.high), rel=0.08)
    assert ours == expected_interval(costs, won)


def test_the_expected_cost_is_infinite_where_nothing_may_solve():
    low, high = expected_interval(np.array([1.0, 10, 10, 10, 10]), np.array([1, 0, 0, 0, 0], dtype=bool))
    assert 1 <= low < math.inf == high
    assert expected_interval(np.full(3, 10.0), np.zeros(3, dtype=bool)) == (math.inf, math.inf)
    assert all(math.isnan(end) for end in expected_interval(np.array([1.0]), np.array([True])))
    # (4/5)^5 of the samples miss the one that solved
    missed = np.isinf(expected_draws(np.ones(5), np.array([1, 0, 0, 0, 0], dtype=bool), 20_000)).mean()
    assert missed == pytest.approx(0.8**5, abs=0.01)


def test_a_profile_by_brute_force():
    rng = np.random.default_rng(0)
    costs = np.where(rng.random((3, 7)) < 0.3, np.inf, rng.lognormal(0, 2, (3, 7)))
    costs[:, 6] = np.inf
    taus = np.array([1.0, 2, 10, 1000])
    found = profile(costs, taus)
    for method, (place, tau) in itertools.product(range(3), enumerate(taus)):
        within = 0
        for case in range(7):
            best = min(costs[:, case])
            within += bool(costs[method, case] < math.inf and costs[method, case] <= tau * best)
        assert found[method, place] == pytest.approx(within / 7)


def test_a_method_that_pays_nothing_is_the_cheapest():
    found = profile(np.array([[0.0, 0.0, 5.0], [5.0, 0.0, np.inf]]), np.array([1.0, 1e9]))
    assert found.tolist() == pytest.approx(np.array([[1, 1], [1 / 3, 1 / 3]]))


def test_profiles_worked_by_hand(maker):
    # at 10: vanilla 2e8, lstm 1e8; at 50: vanilla pays 1e10 for nothing and 1e9 for one, lstm never solves
    for method, lag, cost in (("vanilla", 10, 2e8), ("lstm", 10, 1e8), ("vanilla", 50, 1e9)):
        maker.run(method, lag, cost)
    for method in ("vanilla", "lstm"):
        maker.run(method, 50, None)
    found = profiles(Results([maker.made()]).retests)
    shares = {method: own.set_index("tau")["share"] for method, own in found.groupby("method")}
    assert shares["vanilla"].iloc[0] == 0.5  # the cheaper at 50 alone
    assert shares["vanilla"].iloc[-1] == 1
    assert set(shares["lstm"]) == {0.5}
    assert set(found["cases"]) == {2}
    assert (found["low"] <= found["share"]).all()
    assert (found["share"] <= found["high"]).all()
    pd.testing.assert_frame_equal(found, profiles(Results([maker.made()]).retests))
    assert len(TAUS) == len(shares["lstm"])


def test_the_band_of_a_profile_is_that_of_cases_sampled_apart(maker):
    """Against a binomial: each of 40 cases is solved unless a sample of its retests has only failures."""
    for lag in range(1, 41):
        maker.run("vanilla", lag, 1e8)
        maker.run("vanilla", lag, None)
    found = profiles(Results([maker.made()]).retests)
    (row,) = found[found["tau"] == TAUS[-1]].itertuples()
    # Sampled alike, all of them would be solved or none.
    expected = stats.binom(40, 3 / 4).ppf([0.025, 0.975]) / 40
    assert (row.low, row.high) == pytest.approx(tuple(expected), abs=1.5 / 40)


@pytest.mark.parametrize(
    ("first", "second"), [((5, 5), (0, 2)), ((3, 5), (2, 7)), ((0, 0), (4, 4)), ((40, 60), (30, 60))]
)
def test_solves_oftener_is_the_integral_of_two_beta_densities(first, second):
    one, two = (stats.beta(k + 1, n - k + 1) for k, n in (first, second))
    expected = integrate.quad(lambda rate: one.pdf(rate) * two.cdf(rate), 0, 1)[0]
    one, two = [Tally(*first)], [Tally(*second)]
    assert solves_oftener(one, two) == pytest.approx(expected, abs=1e-4)
    assert solves_oftener(two, one) == pytest.approx(1 - expected, abs=1e-4)


# Clipping and Hessian-free optimisation in `survey`: a tie, then 2 of 5 against a rung that had 2 retests.
TIED = ([(5, 5)] * 4 + [(2, 5)], [(5, 5)] * 4 + [(0, 2)])


@pytest.mark.parametrize(
    ("first", "second"), [TIED, ([(5, 5), (1, 5)], [(4, 5), (0, 2)]), ([(0, 2), (9, 10)], [(3, 5), (9, 10)])]
)
def test_over_several_lags_solves_oftener_is_of_the_mean_difference(first, second):
    """Against draws of every rate from its posterior."""
    rng, draws = np.random.default_rng(0), 200_000
    apart = np.zeros(draws)
    for (a, n), (b, m) in zip(first, second, strict=True):
        apart += rng.beta(a + 1, n - a + 1, draws) - rng.beta(b + 1, m - b + 1, draws)
    one, two = ([Tally(*each) for each in some] for some in (first, second))
    assert solves_oftener(one, two) == pytest.approx((apart > 0).mean(), abs=0.005)
    assert solves_oftener(two, one) == pytest.approx(1 - solves_oftener(one, two), abs=1e-9)


def test_who_is_as_good_at_every_lag_and_better_at_one_probably_solves_oftener(maker):
    for method, ladder in zip(("vanilla", "lstm"), TIED, strict=True):
        for lag, (solved, n) in zip((10, 20, 50, 100, 200), ladder, strict=True):
            for number in range(n):
                maker.run(method, lag, 1e8 if number < solved else None)
    (row,) = oftener(Results([maker.made()])).itertuples()
    assert (row.first_solved, row.first_n, row.second_solved, row.second_n) == (22, 25, 20, 22)
    assert row.probability > 0.6


def test_who_solves_oftener_is_beside_the_exact_test(maker):
    maker.methods = ["vanilla", "lstm", "echo_state"]
    for method, lag, solved in (("vanilla", 10, 0), ("lstm", 10, 5), ("echo_state", 10, 3), ("lstm", 50, 5)):
        for number in range(5):
            maker.run(method, lag, 1e8 if number < solved else None)
    found = oftener(Results([maker.made()]))
    assert found[["first", "second", "lags"]].to_numpy().tolist() == [
        ["vanilla", "lstm", 1], ["vanilla", "echo_state", 1], ["lstm", "echo_state", 1],
    ]  # fmt: skip
    tests = [
        exact_test([Tally(*a)], [Tally(*b)])
        for a, b in (((0, 5), (5, 5)), ((0, 5), (3, 5)), ((5, 5), (3, 5)))
    ]
    assert found["p"].tolist() == pytest.approx(tests)
    assert found["adjusted"].tolist() == pytest.approx(holm(tests))
    sure, others = across.oftener_rows(Results([maker.made()]))
    assert [(row.first, row.second) for row in sure] == [("vanilla", "lstm"), ("vanilla", "echo_state")]
    assert others == 1


def test_the_area_is_the_trapezium_rule():
    lags, rates = [10, 20, 50, 100], [1.0, 0.8, 0.4, 0.0]
    found, _ = area(lags, {lag: Tally(round(10 * rate), 10) for lag, rate in zip(lags, rates, strict=True)})
    assert found == pytest.approx(np.trapezoid(rates, np.log(lags)) / math.log(10))


def test_what_a_climb_left_out_counts_as_lost_and_what_lies_between_does_not():
    assert weights([10, 100, 1000], [10, 100, 1000]) == pytest.approx([0.25, 0.5, 0.25])
    assert weights([10, 100, 1000], [10, 1000]) == pytest.approx([0.5, 0.5])
    assert weights([10, 100, 1000], [10, 100]) == pytest.approx([0.25, 0.5])
    assert weights([10, 100, 1000], [100]) == pytest.approx([0.75])
    assert weights([7], [7]) == pytest.approx([1])


def test_the_interval_of_the_area_is_wilson_s_of_one_lag_and_covers_a_known_area():
    assert area([10], {10: Tally(3, 5)})[1] == pytest.approx(wilson(3, 5))
    assert all(math.isnan(end) for end in area([10], {10: Tally(0, 0)})[1])
    rng, inside = np.random.default_rng(0), 0
    lags, rates = [10, 20, 50, 100], np.array([0.97, 0.9, 0.4, 0.05])
    truth = np.trapezoid(rates, np.log(lags)) / math.log(10)
    for _ in range(200):
        ladder = {lag: Tally(int(rng.binomial(5, rate)), 5) for lag, rate in zip(lags, rates, strict=True)}
        low, high = area(lags, ladder)[1]
        inside += low <= truth <= high
    assert inside / 200 >= 0.92


def two_tasks(maker):
    """lstm is better on adding, echo_state by as much less on xor; both better than vanilla."""
    maker.methods = ["vanilla", "lstm", "echo_state"]
    for task, rates in (("adding", (0, 5, 3)), ("xor", (1, 3, 4))):
        for method, solved in zip(maker.methods, rates, strict=True):
            for number in range(5):
                key = maker.run(method, 10, 1e8 if number < solved else None, task=task)
                maker.curve(key, [0.9, 0.5, 0.0 if number < solved else 0.015])
    return Results([maker.made()])


def test_the_order_without_a_task_and_with_a_laxer_criterion(maker):
    found = stability(two_tasks(maker).retests, Results([maker.made()]).campaigns["made"].curves)
    rows = {(row.method, row.change): (row.rank, row.best, row.worst) for row in found.itertuples()}
    assert rows["lstm", "without a task"] == (1, 1, 2)  # second on xor alone
    assert rows["echo_state", "without a task"] == (2, 1, 2)
    assert rows["vanilla", "without a task"] == (3, 3, 3)
    assert rows["lstm", "criterion relaxed"] == (1, 2, 2)  # all solve all: three share the ranks 1 to 3
    taus = found.groupby("change")["tau"].first()
    assert taus["without a task"] == pytest.approx(stats.kendalltau([3, 1, 2], [3, 2, 1]).statistic)
    assert set(found["tasks"]) == {2}
    assert found.loc[found["method"] == "lstm", "area"].iloc[0] == pytest.approx(0.8)


def test_the_order_without_a_seed_by_brute_force(maker):
    results = two_tasks(maker)
    found = stability(results.retests, results.campaigns["made"].curves)
    ranks = []
    for seed in range(5):
        rest = results.retests[results.retests["trial"] != seed]
        means = rest.groupby(["method", "task"])["solved"].mean().groupby("method").mean()
        ranks.append(means.rank(ascending=False))
    for row in found[found["change"] == "without a seed"].itertuples():
        own = [rank[row.method] for rank in ranks]
        assert (row.best, row.worst, row.variants) == (min(own), max(own), 5)


def test_areas_have_a_row_a_method_and_task(maker):
    found = areas(two_tasks(maker))
    assert found[["task", "method", "area"]].to_numpy().tolist()[:3] == [
        ["adding:hs97", "vanilla", 0.0], ["adding:hs97", "lstm", 1.0], ["adding:hs97", "echo_state", 0.6],
    ]  # fmt: skip


def test_attempts_until_one_solves(maker):
    for cost in (None, None, 1e8, None, 1e8):
        maker.run("lstm", 10, cost, phase="tune")
    maker.run("vanilla", 10, None, phase="tune")
    maker.run("vanilla", 10, 1e8)
    results = Results([maker.made()])
    (table,) = [tries.table(results, panel) for panel in results.panels]
    assert table.rows == [("vanilla", ["> 1"]), ("lstm", ["3 (2/5)"])]


@pytest.mark.parametrize("runs", [0, 1])
def test_one_seed_and_none(runs):
    maker = Maker()
    maker.run("lstm", 10, None, phase="tune")
    for _ in range(runs):
        maker.run("lstm", 10, None)
    results = Results([maker.made()])
    orders = across.order(results)
    assert len(orders.rows) == 0  # one method, one task, one seed: nothing can be left out
    assert across.oftener_rows(results) == ([], 0)
    assert (across.profile(results, results.overall[0]) is None) == (runs == 0)


def cut_short(maker):
    """lstm bridges 10 and 100, which is all it was given; echo_state fails at 1000, vanilla at 100."""
    maker.methods = ["vanilla", "lstm", "echo_state"]
    ladders = {
        "vanilla": {10: 5, 100: 0},
        "lstm": {10: 5, 100: 5},
        "echo_state": {10: 5, 100: 4, 1000: 0},
    }
    for method, ladder in ladders.items():
        for rung, (lag, solved) in enumerate(ladder.items(), 1):
            for number in range(5):
                maker.run(method, lag, 1e8 if number < solved else None, rung=rung)
    made = maker.made()
    made.manifest.profile["tasks"] = [
        {"task": "adding", "methods": ["vanilla", "echo_state"], "lags": "climb:10..1000"},
        {"task": "adding:hs97", "methods": ["lstm"], "lags": "climb:10..100"},
    ]
    return made


def found_areas(made):
    return dict(areas(Results([made]))[["method", "area"]].itertuples(index=False, name=None))


def test_what_a_profile_did_not_give_has_not_failed(maker):
    made = cut_short(maker)
    # Over 10 to 100 alone, where all were tried.
    expected = {"vanilla": 0.5, "lstm": 1, "echo_state": 0.9}
    assert found_areas(made) == pytest.approx(expected)
    mean = orders(Results([made])).drop_duplicates("method").set_index("method")
    assert mean["area"].to_dict() == pytest.approx(expected)
    assert mean["rank"].to_dict() == {"vanilla": 3, "lstm": 1, "echo_state": 2}
    # A case that could not be run was not tried either.
    made.manifest.profile["tasks"] = [{"task": "adding"}]
    made.manifest.skipped["lstm on adding:hs97 at lag 1000"] = "too long"
    assert found_areas(made) == pytest.approx(expected)
    # What was given and not come to was lost on the way.
    made.manifest.skipped.clear()
    assert found_areas(made) == pytest.approx({"vanilla": 0.25, "lstm": 0.75, "echo_state": 0.65})


def test_a_method_that_failed_within_what_it_was_given_cuts_nothing(maker):
    made = cut_short(maker)
    made.manifest.profile["tasks"] = [
        {"task": "adding:hs97", "methods": ["lstm", "echo_state"]},
        {"task": "adding:hs97", "methods": ["vanilla"], "lags": "climb:10..100"},
    ]
    assert found_areas(made) == pytest.approx({"vanilla": 0.25, "lstm": 0.75, "echo_state": 0.65})
