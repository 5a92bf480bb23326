"""The area under success against the log lag: how much of the ladder a method solves, in one number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from longlag.reports.results import Results
from longlag.reports.statistics import NO_INTERVAL, Interval, Tally, wilson


def weights(lags: Sequence[int], tried: Sequence[int]) -> NDArray[np.float64]:
    """What the rate at each lag of `tried` counts in the area over all of `lags`, by the trapezium rule.

    Between lags that were tried the rate is linear in the log lag, before the first of them constant; from
    the last on it falls to 0 at the next lag of `lags`, and stays there. They sum to 1 where all were tried.
    """
    ladder = np.log(np.array(sorted(lags), dtype=float))
    if len(ladder) == 1:
        return np.ones(1)
    known = np.log(np.array(sorted(tried), dtype=float))
    # How each rate along the ladder is made of those that were tried.
    made = np.column_stack([np.interp(ladder, known, unit) for unit in np.eye(len(known))])
    made[ladder > known[-1]] = 0
    widths = np.diff(ladder)
    each = (np.r_[widths, 0] + np.r_[0, widths]) / 2
    return np.asarray(each @ made / (ladder[-1] - ladder[0]), dtype=float)


def mean_rate(lags: Sequence[int], ladder: Mapping[int, Tally]) -> float:
    """The area alone, without its interval; NaN without runs."""
    tried = [lag for lag in sorted(ladder) if ladder[lag].n]
    if not tried:
        return math.nan
    rates = np.array([ladder[lag].solved / ladder[lag].n for lag in tried])
    return float(weights(lags, tried) @ rates)


def area(lags: Sequence[int], ladder: Mapping[int, Tally]) -> tuple[float, Interval]:
    """The area under a method's success rate over the log of `lags`, from 0 to 1, and its 95% interval.

    The interval is that of a weighted sum of independent rates, by the method of variance estimates
    recovery (Zou and Donner 2008) from Wilson's of each. NaN without runs.
    """
    tried = [lag for lag in sorted(ladder) if ladder[lag].n]
    if not tried:
        return math.nan, NO_INTERVAL
    found = mean_rate(lags, ladder)
    share = weights(lags, tried)
    rates = np.array([ladder[lag].solved / ladder[lag].n for lag in tried])
    ends = np.array([wilson(*ladder[lag]) for lag in tried])
    below = math.sqrt(float(((share * (rates - ends[:, 0])) ** 2).sum()))
    above = math.sqrt(float(((share * (ends[:, 1] - rates)) ** 2).sum()))
    return found, Interval(max(0.0, found - below), min(1.0, found + above))


def areas(results: Results) -> pd.DataFrame:
    """A row a method and task that it was retested on: `area`, interval `low` to `high`, `lags`, `runs`."""
    rows = []
    for panel in results.panels:
        cases = results.cases_of(panel)
        for method in results.methods:
            # Of its own campaign: what only another tried was not failed.
            beside = cases[cases["campaign"].isin(cases.loc[cases["method"] == method, "campaign"])]
            lags = sorted(set(beside.loc[beside["n"] > 0, "lag"].tolist()))
            ladder = results.ladder(panel, method)
            found, ends = area(lags, ladder)
            if not math.isnan(found):
                runs = sum(tally.n for tally in ladder.values())
                named = [panel.campaign, f"{panel.task}:{panel.variant}", method]
                rows.append([*named, found, *ends, len(lags), runs])
    return pd.DataFrame(rows, columns=["campaign", "task", "method", "area", "low", "high", "lags", "runs"])
