"""Performance profiles (Dolan and Moré 2002): in how many cases a method is within tau of the best cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from longlag.reports.cases import spent
from longlag.reports.results import KEYS, Results
from longlag.reports.statistics import LEVEL, RESAMPLES, expected_draws

TAUS = np.geomspace(1, 1000, 61)
"""Multiples of the best cost at which a profile is drawn."""
CASE = [key for key in KEYS if key != "method"]


def profile(costs: NDArray[np.floating[Any]], taus: NDArray[np.float64] = TAUS) -> NDArray[np.float64]:
    """The share of the cases in which each method's cost is at most tau times the best of all methods.

    `costs` is [..., methods, cases], infinite where a method does not solve; the shares are
    [..., methods, taus]. A case that no method solves counts as solved within no multiple.
    """
    best = costs.min(axis=-2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(np.isfinite(costs), costs / best, np.inf)
    # The cheapest is within any multiple, of nothing too.
    ratios[np.isfinite(costs) & (costs == best)] = 1
    # A method's own cost over itself is 1 exactly, but 1.0000000000000002 of equals computed apart.
    return np.stack([(ratios <= tau * (1 + 1e-12)).mean(axis=-1) for tau in taus], axis=-1)


def profiles(retests: pd.DataFrame) -> pd.DataFrame:
    """Of every method a row a `tau`: `share` of the `cases`, and `low` to `high`, where 95% of samples lie.

    A case's cost is its aRT. A case that another method was retested on and this one was not, as beyond the
    end of its climb, counts as unsolved. The band is of bootstrap samples of the retests within each case:
    of the runs' chance, not of other tasks. Empty without retests.
    """
    columns = ["method", "tau", "share", "low", "high", "cases"]
    methods = list(dict.fromkeys(retests["method"]))
    cases = list(dict.fromkeys(retests[CASE].itertuples(index=False, name=None)))
    if not cases:
        return pd.DataFrame(columns=columns)
    costs = np.full((len(methods), len(cases)), np.inf)
    sampled = np.full((RESAMPLES, len(methods), len(cases)), np.inf, dtype=np.float32)
    places = {case: index for index, case in enumerate(cases)}
    for seed, ((method, *case), own) in enumerate(retests.groupby(["method", *CASE], sort=False)):
        paid, won = spent(own), own["solved"].to_numpy(dtype=bool)
        place = methods.index(method), places[tuple(case)]
        if won.any():
            costs[place] = paid.sum() / won.sum()
            sampled[:, *place] = expected_draws(paid, won, seed=seed)
    share = profile(costs)
    # A part at a time, since all multiples of all samples together are large.
    bands = np.concatenate([profile(part) for part in np.array_split(sampled, 20)])
    low, high = np.quantile(bands, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    rows = [
        [method, float(tau), float(share[m, t]), float(low[m, t]), float(high[m, t]), len(cases)]
        for m, method in enumerate(methods)
        for t, tau in enumerate(TAUS)
    ]
    return pd.DataFrame(rows, columns=columns)


def by_campaign(results: Results) -> pd.DataFrame:
    """`profiles` of every campaign, with its name."""
    found = [
        profiles(results.retests[results.retests["campaign"] == name]).assign(campaign=name)
        for name in results.campaigns
    ]
    return pd.concat(found, ignore_index=True)
