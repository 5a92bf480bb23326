"""What the retests say, and how sure: intervals, the lag frontier, cost under censoring, exact tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
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


def wilson(solved: int, n: int) -> Interval:
    """Wilson's score interval for a rate (Wilson 1927); NaN without runs."""
    if n == 0:
        return NO_INTERVAL
    ends = stats.binomtest(solved, n).proportion_ci(confidence_level=LEVEL, method="wilson")
    return Interval(float(ends.low), float(ends.high))


def median_interval(values: ArrayLike, *, seed: int = 0, resamples: int = 4999) -> Interval:
    """Percentile bootstrap interval of the median; NaN for fewer than two values.

    The generator is seeded, so the same values give the same interval.
    """
    sample = np.asarray(values, dtype=float)
    if sample.size < 2:
        return NO_INTERVAL
    ends = stats.bootstrap(
        (sample,),
        np.median,
        n_resamples=resamples,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(ends.low), float(ends.high))


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
    if not tried:
        return NO_INTERVAL
    lags = np.log(np.array(list(tried), dtype=float))
    solved, n = (np.array(column, dtype=float) for column in zip(*tried.values(), strict=True))
    t90 = np.linspace(lags[0] - math.log(10), lags[-1] + math.log(10), 2001)
    width = np.geomspace(math.log(1.2), math.log(30), 61)
    steepness = 2 * math.log(9) / width
    logit = math.log(9) - steepness[:, np.newaxis] * (lags - t90[:, np.newaxis, np.newaxis])
    log_likelihood = solved @ np.moveaxis(special.log_expit(logit), -1, 1)
    log_likelihood += (n - solved) @ np.moveaxis(special.log_expit(-logit), -1, 1)
    posterior = np.exp(log_likelihood - log_likelihood.max()).sum(1).cumsum()
    ends = np.searchsorted(posterior / posterior[-1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(*(_within(float(t90[end]), lags[0], lags[-1]) for end in ends))


def _within(end: float, least: float, most: float) -> float:
    return 0.0 if end < least else math.inf if end > most else math.exp(end)


def expected_cost(spent: ArrayLike, solved: ArrayLike) -> float:
    """The expected running time of COCO (Hansen et al. 2021): all that was spent, over the runs that solved.

    `spent` holds a solved run's cost to solve and everything an unsolved run cost, so that failures
    are paid for. Infinite when nothing was solved, NaN without runs.
    """
    costs, successes = np.asarray(spent, dtype=float), np.asarray(solved, dtype=bool)
    if costs.size == 0:
        return float("nan")
    return float(costs.sum() / successes.sum()) if successes.any() else float("inf")


def exact_test(first: Sequence[Tally], second: Sequence[Tally]) -> float:
    """Two-sided p that two methods solve the same cases equally often.

    The cases are strata: within each, given how many runs solved it in all, the first method's share
    is hypergeometric, and the sum over strata is their convolution (the exact conditional form of the
    Cochran-Mantel-Haenszel test; with one stratum, Fisher's). The p-value sums every outcome
    no likelier than the one observed.
    """
    distribution, observed = np.ones(1), 0
    for (a, n), (b, m) in zip(first, second, strict=True):
        shares = stats.hypergeom.pmf(np.arange(n + 1), n + m, a + b, n)
        distribution = np.convolve(distribution, shares)
        observed += a
    # the relative slack is that of scipy.stats.fisher_exact: equal likelihoods differ by rounding
    unlikely = distribution <= distribution[observed] * (1 + 1e-7)
    return float(min(1.0, distribution[unlikely].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down adjustment, in the order given."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        running = max(running, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, running)
    return adjusted
