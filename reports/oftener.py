"""Which of two methods solves a task more often: a probability, beside the exact test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from longlag.reports.results import Results
from longlag.reports.statistics import Tally, exact_test, holm, total

SURE = 0.95


def solves_oftener(first: Tally, second: Tally) -> float:
    """The probability that the first's success rate is above the second's.

    Both rates uniform a priori, so Beta(solved + 1, n - solved + 1) after the runs (the Beta-binomial model):
    the closed form of P(Beta > Beta) for whole numbers, a sum over the first's successes (Cook 2005).
    """
    a, b = first.solved + 1, first.n - first.solved + 1
    c, d = second.solved + 1, second.n - second.solved + 1
    below = np.arange(a)
    # P(first > second) = sum over i < a of B(c + i, b + d) / ((b + i) B(1 + i, b) B(c, d))
    terms = (
        special.betaln(c + below, b + d)
        - np.log(b + below)
        - special.betaln(1 + below, b)
        - special.betaln(c, d)
    )
    return float(min(1.0, np.exp(terms).sum()))


def oftener(results: Results) -> pd.DataFrame:
    """Of every pair of methods on every task, over the lags both were retested at, a row.

    `first` and `second`, `lags`, how many, and solved of n of either; `probability` that the first solves
    more often, all runs taken together; `p` of the exact test, lag by lag, and `adjusted` by Holm over all
    pairs and tasks of a campaign.
    """
    columns = ["campaign", "task", "first", "second", "lags", "first_solved", "first_n", "second_solved",
               "second_n", "probability", "p", "adjusted"]  # fmt: skip
    rows: list[list[object]] = []
    for campaign in results.groups:
        found: list[list[object]] = []
        tests: list[float] = []
        for panel in results.panels:
            if panel.campaign != campaign:
                continue
            ladders = {
                method: {lag: tally for lag, tally in results.ladder(panel, method).items() if tally.n}
                for method in results.methods
            }
            for first, second in results.pairs:
                lags = [lag for lag in ladders[first] if lag in ladders[second]]
                if not lags:
                    continue
                one, two = ([ladders[method][lag] for lag in lags] for method in (first, second))
                tests.append(exact_test(one, two))
                sums = total(one), total(two)
                told = [
                    campaign,
                    f"{panel.task}:{panel.variant}",
                    first,
                    second,
                    len(lags),
                    *sums[0],
                    *sums[1],
                ]
                found.append([*told, solves_oftener(*sums)])
        rows += [[*row, p, adjusted] for row, p, adjusted in zip(found, tests, holm(tests), strict=True)]
    return pd.DataFrame(rows, columns=columns)
