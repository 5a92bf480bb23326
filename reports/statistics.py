"""What the retests say, and how sure: intervals, the lag frontier, cost under censoring, exact tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from longlag.bench.trial.spec import bridged

LEVEL = 0.95


class Interval(NamedTuple):
    """The ends of a confidence interval; NaN where there is too little to make one."""

    low: float
    high: float


class Tally(NamedTuple):
    """Runs that solved their task, out of `n`."""

    solved: int
    n: int


NO_INTERVAL = Interval(float("nan"), float("nan"))


@lru_cache(maxsize=65536)
def wilson(solved: int, n: int) -> Interval:
    """Wilson's score interval for a rate (Wilson 1927); NaN without runs."""
    if n == 0:
        return NO_INTERVAL
    ends = stats.binomtest(solved, n).proportion_ci(confidence_level=LEVEL, method="wilson")
    return Interval(float(ends.low), float(ends.high))


def median_interval(values: ArrayLike) -> Interval:
    """The order statistics that hold the median with 95% certainty or more, whatever the distribution.

    NaN for fewer than six values, whose least and greatest do not, and where one is missing. Exact, by the
    binomial distribution; a percentile bootstrap holds it in 86% to 96% of samples of six to 25 values.
    """
    sample = np.sort(np.asarray(values, dtype=float))
    place = int(stats.binom.ppf((1 - LEVEL) / 2, sample.size, 0.5)) if sample.size else 0
    if not place or np.isnan(sample[-1]):
        return NO_INTERVAL
    return Interval(float(sample[place - 1]), float(sample[-place]))


def frontier(ladder: Mapping[int, Tally]) -> int | None:
    """T*: the longest lag up to which every rung of the ladder is solved in >= 90% of its runs.

    `ladder` maps each lag that was tried to its tally. A rung without runs, or below 90%, ends the
    climb: a longer lag solved beyond a failed one is luck or a defect of the tuning, not a bridge.
    None where the shortest lag already fails.
    """
    reached = None
    for lag in sorted(ladder):
        if not bridged(*ladder[lag]):
            break
        reached = lag
    return reached


def frontier_interval(ladder: Mapping[int, Tally]) -> Interval:
    """Where the success rate falls to 90%, with 95% certainty, by a logistic fit over the log lag.

    The rate at lag t is 1 / (1 + (t / t90)^k / 9). A priori log t90 is uniform from a tenth of the shortest
    lag to ten times the longest, and the log of k between a fall from 90% to 10% within a factor of 1.2 in
    the lag and within one of 30. The ends are quantiles of t90's posterior, summed over a grid; 0 stands for
    below the shortest lag, and infinity for above the longest, of which nothing is known. NaN without runs.

    A posterior, because where all or none solve each rung, as is usual, the likelihood has no maximum, and a
    bootstrap of five of five is always five of five. Logistic and not isotonic, because that learns nothing
    from one rung for the next, and then five runs a rung leave every lag possible.
    """
    tried = {lag: tally for lag, tally in sorted(ladder.items()) if tally.n}
    return _ninety(tuple(tried.items())) if tried else NO_INTERVAL


@lru_cache(maxsize=4096)
def _ninety(rungs: tuple[tuple[int, Tally], ...]) -> Interval:
    """The interval of `frontier_interval`; of a ladder once, since tables and charts both ask for it."""
    tried = dict(rungs)
    lags = np.log(np.array(list(tried), dtype=float))
    solved, n = (np.array(column, dtype=float) for column in zip(*tried.values(), strict=True))
    t90 = np.linspace(lags[0] - math.log(10), lags[-1] + math.log(10), 2001)
    width = np.geomspace(math.log(1.2), math.log(30), 61)
    steepness = 2 * math.log(9) / width
    log_likelihood = np.zeros((len(t90), len(width)))
    # a lag at a time, which stays in the processor's cache
    for lag, won, runs in zip(lags, solved, n, strict=True):
        logit = math.log(9) - steepness * (lag - t90[:, np.newaxis])
        # log(1 - p) is log(p) - logit, at a fraction of the time
        log_likelihood += runs * special.log_expit(logit) - (runs - won) * logit
    posterior = np.exp(log_likelihood - log_likelihood.max()).sum(1).cumsum()
    ends = np.searchsorted(posterior / posterior[-1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(*(_within(float(t90[end]), lags[0], lags[-1]) for end in ends))


def _within(end: float, least: float, most: float) -> float:
    return 0.0 if end < least else math.inf if end > most else math.exp(end)


def slope(x: ArrayLike, y: ArrayLike) -> tuple[float, Interval]:
    """The slope of y on x by least squares, and its interval by Student's t with n - 2 degrees of freedom.

    Raises ValueError for fewer than three points, or where all x are one.
    """
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if a.size < 3:
        raise ValueError("an interval of a slope takes three points")
    fitted = stats.linregress(a, b)
    # Of points without any spread SciPy has no standard error.
    error = 0.0 if np.ptp(b) == 0 else float(fitted.stderr)
    half = error * float(stats.t.ppf((1 + LEVEL) / 2, a.size - 2))
    return float(fitted.slope), Interval(float(fitted.slope) - half, float(fitted.slope) + half)


def expected_cost(spent: ArrayLike, solved: ArrayLike) -> float:
    """The expected running time of COCO (Hansen et al. 2021): all that was spent, over the runs that solved.

    `spent` holds a solved run's cost to solve and everything an unsolved run cost, so that failures
    are paid for. Infinite when nothing was solved, NaN without runs.
    """
    costs, successes = np.asarray(spent, dtype=float), np.asarray(solved, dtype=bool)
    if costs.size == 0:
        return float("nan")
    return float(costs.sum() / successes.sum()) if successes.any() else float("inf")


RESAMPLES = 999
"""Bootstrap samples of the runs of a case."""


def expected_draws(
    costs: NDArray[np.float64], won: NDArray[np.bool_], resamples: int = RESAMPLES, *, seed: int = 0
) -> NDArray[np.float64]:
    """The aRT of `resamples` bootstrap samples of the runs: what they spent over how many of them solved.

    `costs` and `won` are [runs]. Infinite where a sample has none that solved. The same seed gives the same
    samples; cases that are taken together need one each, or all would be lucky at once.
    """
    n = len(costs)
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n))
    solved = won[drawn].sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(costs[drawn].sum(axis=1) / solved, dtype=float)


def expected_interval(costs: NDArray[np.float64], won: NDArray[np.bool_]) -> Interval:
    """Percentile bootstrap interval of the aRT; its end may be infinite. NaN for fewer than two runs."""
    if len(costs) < 2:
        return NO_INTERVAL
    found = expected_draws(costs, won)
    # Not interpolated, which would make NaN of infinite neighbours.
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    return Interval(float(low), float(high))


def total(tallies: Sequence[Tally]) -> Tally:
    """All runs of several cases."""
    return Tally(sum(each.solved for each in tallies), sum(each.n for each in tallies))


def exact_test(first: Sequence[Tally], second: Sequence[Tally]) -> float:
    """Two-sided p that two methods solve the same cases equally often.

    The cases are strata: within each, given how many runs solved it in all, the first method's share
    is hypergeometric, and the sum over strata is their convolution (the exact conditional form of the
    Cochran-Mantel-Haenszel test; with one stratum, Fisher's). The p-value sums every outcome
    no likelier than the one observed.
    """
    distribution = _shares(first, second)
    return _as_unlikely(distribution, distribution[total(first).solved])


def least_p(first: Sequence[Tally], second: Sequence[Tally]) -> float:
    """The smallest p that `exact_test` could give, had the same number of runs solved each case in all."""
    distribution = _shares(first, second)
    return _as_unlikely(distribution, distribution[distribution > 0].min())


def _shares(first: Sequence[Tally], second: Sequence[Tally]) -> NDArray[np.float64]:
    """How likely each number of the first's solved runs is."""
    distribution = np.ones(1)
    for (a, n), (b, m) in zip(first, second, strict=True):
        shares = stats.hypergeom.pmf(np.arange(n + 1), n + m, a + b, n)
        distribution = np.convolve(distribution, shares)
    return distribution


def _as_unlikely(distribution: NDArray[np.float64], likelihood: float) -> float:
    """The probability of all that is no likelier than this."""
    # the relative slack is that of scipy.stats.fisher_exact: equal likelihoods differ by rounding
    return float(min(1.0, distribution[distribution <= likelihood * (1 + 1e-7)].sum()))


def rank_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Mann and Whitney's (1947) p that two samples have one distribution: twice that of the smaller tail.

    Exact: by all permutations where there are ties, as costs counted in batches have; where these are too
    many, by 9,999 of them, always the same. Of two values and more each.
    """
    values = [*first, *second]
    exact = len(set(values)) == len(values)
    method: Any = (
        "exact" if exact else stats.PermutationMethod(n_resamples=9999, rng=np.random.default_rng(0))
    )
    return float(min(1.0, stats.mannwhitneyu(first, second, method=method).pvalue))


def least_rank_p(n: int, m: int) -> float:
    """The smallest p that `rank_test` could give for samples of n and m: one lies below the other."""
    return min(1.0, 2 / math.comb(n + m, n))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down adjustment, in the order given."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        running = max(running, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, running)
    return adjusted
