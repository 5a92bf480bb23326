import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from longlag.reports.statistics import (
    Tally,
    exact_test,
    expected_cost,
    frontier,
    frontier_interval,
    holm,
    median_interval,
    slope,
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


def test_median_interval_worked_by_hand():
    # All of six lie on one side of the median in 2 of 64 samples; of five in 2 of 32, which are too many.
    six = [8.0, 1.0, 16.0, 2.0, 32.0, 4.0]
    assert median_interval(six) == (1, 32)
    assert all(math.isnan(end) for end in median_interval(six[:5]))
    # At most one of nine lies below it in 10 of 512, at most two in 46: more than one of forty.
    assert median_interval(range(9)) == (1, 7)
    assert median_interval([5.0] * 6) == (5, 5)
    assert all(math.isnan(end) for end in median_interval([]))
    assert all(math.isnan(end) for end in median_interval([*six, math.nan]))


@pytest.mark.parametrize("n", [6, 7, 8, 9, 10, 12, 15, 20, 25])
@pytest.mark.parametrize(
    "draw", [stats.norm(), stats.lognorm(1), stats.expon()], ids=["normal", "skew", "expon"]
)
def test_median_interval_covers_a_known_median(draw, n):
    """In 95% of samples at least, less three sigma; those of a bootstrap did in 86% of samples of seven."""
    count = 2000
    samples = draw.rvs(size=(count, n), random_state=np.random.default_rng(n))
    ends = np.array([median_interval(each) for each in samples])
    inside = (ends[:, 0] <= draw.median()) & (draw.median() <= ends[:, 1])
    assert inside.mean() >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / count)


def test_a_bootstrap_of_the_median_would_cover_too_little():
    """Why there is none: SciPy's percentile bootstrap of seven skewed values."""
    samples = np.random.default_rng(0).lognormal(size=(400, 7))
    found = stats.bootstrap(
        (samples,), np.median, axis=1, n_resamples=999, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ((found.low <= 1) & (found.high >= 1)).mean() < 0.92


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


def cases_of_a_climb():
    return [
        {10: (5, 5), 20: (5, 5), 50: (5, 5), 100: (0, 2)},
        {10: (10, 10), 20: (10, 10), 50: (5, 10), 100: (1, 10)},
        {10: (40, 40), 20: (38, 40), 50: (20, 40), 100: (4, 40)},
    ]


@pytest.mark.parametrize("ladder", cases_of_a_climb())
def test_the_interval_of_the_frontier_holds_95_percent_of_the_posterior(ladder):
    """Against adaptive quadrature over the same prior and likelihood."""

    def weight(log_width, t90):
        k = 2 * math.log(9) / math.exp(log_width)
        product = 1.0
        for lag, (solved, n) in ladder.items():
            rate = 1 / (1 + math.exp(k * (math.log(lag) - t90)) / 9)
            product *= rate**solved * (1 - rate) ** (n - solved)
        return product

    def mass(low, high):
        steep, slow = (math.log(math.log(ratio)) for ratio in (1.2, 30))
        return integrate.dblquad(weight, low, high, steep, slow, epsabs=0, epsrel=1e-4)[0]

    found = frontier_interval({lag: Tally(*tally) for lag, tally in ladder.items()})
    ends = math.log(min(ladder) / 10), math.log(max(ladder) * 10)
    whole = mass(*ends)
    assert min(ladder) < found.low < found.high < max(ladder)
    assert mass(ends[0], math.log(found.low)) / whole == pytest.approx(0.025, abs=0.004)
    assert mass(math.log(found.high), ends[1]) / whole == pytest.approx(0.025, abs=0.004)


def test_the_interval_of_the_frontier_ends_where_nothing_was_tried():
    assert frontier_interval({10: Tally(5, 5), 100: Tally(5, 5)}).high == math.inf
    assert frontier_interval({10: Tally(0, 2)}) == (0.0, 0.0)
    assert all(math.isnan(end) for end in frontier_interval({10: Tally(0, 0)}))
    narrow = frontier_interval({10: Tally(50, 50), 20: Tally(50, 50), 50: Tally(0, 50)})
    assert 20 < narrow.low < narrow.high < 50


def test_the_interval_covers_a_known_frontier():
    """Runs drawn from a logistic rate with nine of ten at a lag of 60; 95% less three sigma."""
    rng, inside = np.random.default_rng(0), 0
    for _ in range(200):
        ladder = {}
        for lag in (10, 20, 50, 100, 200, 500):
            solved = int(rng.binomial(10, 1 / (1 + (lag / 60) ** 4 / 9)))
            ladder[lag] = Tally(solved, 10)
            if solved < 9:
                break
        low, high = frontier_interval(ladder)
        inside += low <= 60 <= high
    assert inside / 200 >= 0.9


def test_the_interval_of_a_slope_holds_it_as_often_as_it_says():
    random = np.random.default_rng(5)
    x = np.log([10, 20, 50, 100, 200])
    held = 0
    for _ in range(4000):
        _, (low, high) = slope(x, 1 + 0.7 * x + random.normal(size=x.size))
        held += low <= 0.7 <= high
    # 0.95, and four standard errors of a rate of 4,000.
    assert held / 4000 == pytest.approx(0.95, abs=0.014)


def test_a_slope_of_two_points_has_no_interval():
    with pytest.raises(ValueError, match="three points"):
        slope([1, 2], [1, 2])
