"""Which of two methods solves a task more often: a probability, beside the exact test."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import signal, special

from longlag.reports.results import Results
from longlag.reports.statistics import Tally, exact_test, holm, total

SURE = 0.95


CELLS = 512
"""Of equal widths, in which a rate may lie."""


def solves_oftener(first: Sequence[Tally], second: Sequence[Tally]) -> float:
    """The probability that the first's success rate is above the second's, in the mean over the cases.

    All rates uniform a priori and independent, so Beta(solved + 1, n - solved + 1) after the runs (the
    Beta-binomial model). A case counts as much as another, however many runs it has: a rung that failed has
    fewer retests than one that held. The distribution of the mean difference is a convolution, over cells of
    rates, which unlike draws is the same from either side and has no noise about a threshold.
    """
    apart = np.ones(1)
    for one, two in zip(first, second, strict=True):
        apart = signal.fftconvolve(apart, signal.fftconvolve(_cells(*one), _cells(*two)[::-1]))
    level = len(apart) // 2
    return float(np.clip(apart[level + 1 :].sum() + apart[level] / 2, 0, 1))


@lru_cache(maxsize=4096)
def _cells(solved: int, n: int) -> NDArray[np.float64]:
    """How probable it is that a rate lies in each cell."""
    edges = np.linspace(0, 1, CELLS + 1)
    return np.diff(special.betainc(solved + 1, n - solved + 1, edges))


def oftener(results: Results) -> pd.DataFrame:
    """Of every pair of methods on every task, over the lags both were retested at, a row.

    `first` and `second`, `lags`, how many, and solved of n of either; `probability` that the first solves
    more often, in the mean over the lags; `p` of the exact test, lag by lag, and `adjusted` by Holm over all
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
                found.append([*told, solves_oftener(one, two)])
        rows += [[*row, p, adjusted] for row, p, adjusted in zip(found, tests, holm(tests), strict=True)]
    return pd.DataFrame(rows, columns=columns)
