import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from longlag.reports.statistics import (
    Tally,
    exact_test,
    expected_cost,
    frontier,
    holm,
    median_interval,
    wilson,
)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_its_closed_form(case):
    solved, n = case
    z = 1.959963984540054
    rate = solved / n
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    assert wilson(solved, n) == pytest.approx((max(0, centre - half), min(1, centre + half)), abs=1e-12)


def test_no_runs_have_no_interval():
    assert all(math.isnan(end) for end in wilson(0, 0))
    assert all(math.isnan(end) for end in median_interval([3.0]))


def test_median_interval_is_reproducible_and_holds_the_median():
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    first = median_interval(values)
    assert first == median_interval(values)
    assert 1.0 <= first.low < 4.0 < first.high <= 16.0
    assert median_interval([5.0, 5.0, 5.0]) == (5.0, 5.0)


def test_median_interval_covers_a_known_median():
    # the percentile bootstrap is a little optimistic at n = 25: 200 intervals, three sigma of slack
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        low, high = median_interval(rng.exponential(1.0, 25), resamples=400)
        inside += low <= math.log(2) <= high
    assert 0.88 <= inside / 200 <= 0.99


@pytest.mark.parametrize(
    ("ladder", "reached"),
    [
        ({10: (5, 5), 50: (5, 5), 100: (4, 5)}, 50),
        ({10: (9, 10), 50: (27, 30), 100: (63, 70)}, 100),  # exactly 90%, which floats get wrong
        ({10: (8, 10), 50: (10, 10)}, None),  # a rung solved beyond a failed one does not count
        ({10: (5, 5), 50: (0, 5), 100: (5, 5)}, 10),
        ({100: (5, 5), 10: (5, 5), 50: (5, 5)}, 100),  # whatever the order
        ({10: (5, 5), 50: (0, 0), 100: (5, 5)}, 10),  # a rung without runs ends the climb
        ({10: (0, 0)}, None),
        ({}, None),
    ],
)
def test_frontier_worked_by_hand(ladder, reached):
    assert frontier({lag: Tally(*each) for lag, each in ladder.items()}) == reached


def test_expected_cost_worked_by_hand():
    # two solved for 10 and 20, two failed after 100 and 50: 180 spent for two solutions
    assert expected_cost([10, 100, 20, 50], [True, False, True, False]) == 90
    assert expected_cost([100, 100], [False, False]) == math.inf
    assert math.isnan(expected_cost([], []))


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_one_stratum_is_fishers_test(n, m, data):
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    expected = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    assert exact_test([Tally(a, n)], [Tally(b, m)]) == pytest.approx(expected, abs=1e-9)


def test_exact_test_agrees_with_shuffled_labels():
    first, second = [Tally(3, 5), Tally(1, 5), Tally(4, 5)], [Tally(1, 5), Tally(0, 5), Tally(2, 5)]
    rng = np.random.default_rng(0)
    shuffles = 40_000
    drawn = np.zeros(shuffles, dtype=int)
    for (a, n), (b, m) in zip(first, second, strict=True):
        runs = np.tile(np.r_[np.ones(a + b), np.zeros(n + m - a - b)], (shuffles, 1))
        drawn += rng.permuted(runs, axis=1)[:, :n].sum(axis=1).astype(int)
    # the strata are balanced, so the distribution is symmetric about half of what was solved
    centre = sum(tally.solved for tally in first + second) / 2
    observed = abs(sum(tally.solved for tally in first) - centre)
    simulated = np.mean(np.abs(drawn - centre) >= observed - 1e-9)
    assert exact_test(first, second) == pytest.approx(simulated, abs=0.01)


def test_equal_methods_do_not_differ():
    same = [Tally(2, 5), Tally(5, 5)]
    assert exact_test(same, same) == pytest.approx(1.0)


def test_holm_worked_by_hand():
    # sorted .01 .02 .03 .04, times 4 3 2 1, never falling
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
