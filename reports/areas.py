"""The area under success against the log lag: how much of the ladder a method solves, in one number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from longlag.bench.trial.spec import bridged
from longlag.reports.formats import OF
from longlag.reports.given import reachable
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


def limits(results: Results) -> dict[tuple[str, str, str], float]:
    """How far all methods can be compared, by campaign, task and variant; infinite where to the end.

    Where all lags that a profile gave a method were bridged, and others came farther, it was not tried there
    and has not failed: neither it nor they are judged beyond.
    """
    cases = results.cases[results.cases["n"] > 0]
    found: dict[tuple[str, str, str], float] = {}
    for key, own in cases.groupby(["campaign", "task", "variant"], sort=False):
        campaign, task, variant = map(str, key)
        lags = set(own["lag"].tolist())
        held = [math.inf]
        for method, rungs in own.groupby("method", sort=False):
            last = rungs.sort_values("lag").iloc[-1]
            name = str(method).removesuffix(f"{OF}{campaign}")
            given = reachable(results.campaigns[campaign].manifest, name, task, variant, lags)
            if max(given, default=0) <= last["lag"] < max(lags) and bridged(last["solved"], last["n"]):
                held.append(int(last["lag"]))
        found[campaign, task, variant] = min(held)
    return found


def areas(results: Results) -> pd.DataFrame:
    """A row a method and task that it was retested on: `area`, interval `low` to `high`, `lags`, `runs`.

    Of a task as far as all methods of a campaign can be compared.
    """
    ends = results.once(limits)
    rows = []
    for panel in results.panels:
        cases = results.cases_of(panel)
        cases = cases[cases["n"] > 0]
        far = [ends[place] for place in zip(cases["campaign"], cases["task"], cases["variant"], strict=True)]
        cases = cases[cases["lag"] <= far]
        for method in results.methods:
            own = cases[cases["method"] == method]
            # Of its own campaign: what only another tried was not failed.
            beside = cases[cases["campaign"].isin(own["campaign"])]
            lags = sorted(set(beside["lag"].tolist()))
            columns = (own[name].tolist() for name in ("lag", "solved", "n"))
            ladder = {lag: Tally(solved, n) for lag, solved, n in zip(*columns, strict=True)}
            found, between = area(lags, ladder)
            if not math.isnan(found):
                named = [panel.campaign, f"{panel.task}:{panel.variant}", method]
                rows.append([*named, found, *between, len(lags), int(own["n"].sum())])
    return pd.DataFrame(rows, columns=["campaign", "task", "method", "area", "low", "high", "lags", "runs"])
