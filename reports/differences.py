"""Which differences between two campaigns are beyond noise: by case, and over all cases of a method."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

import pandas as pd

from longlag.reports.results import Results
from longlag.reports.statistics import (
    LEVEL,
    Tally,
    exact_test,
    holm,
    least_p,
    least_rank_p,
    rank_test,
    total,
)
from longlag.reports.unlike import CASE

Measure = Literal["solved", "FLOPs"]


@dataclass(frozen=True)
class Difference:
    """A comparison of two campaigns in one measure, and whether it is beyond noise."""

    method: str
    task: str
    """With its variant; empty where all cases of the method are taken together."""
    lags: str
    measure: Measure
    first: Tally
    second: Tally
    """Retests solved of n."""
    first_flops: float
    second_flops: float
    """Medians to solve; NaN where the measure is another."""
    p: float
    least: float
    """The smallest p that so many runs, and so many solved of them, could have given."""
    adjusted: float
    """By Holm, over all comparisons that could show a difference; NaN where this could not."""

    @property
    def beyond_noise(self) -> bool:
        """Whether chance alone gives as much in under 5%, all comparisons taken together."""
        return self.adjusted < 1 - LEVEL


def differences(results: Results) -> list[Difference]:
    """Every comparison of the two campaigns in `results`; none where there are not two.

    A comparison of so few runs that even the largest difference were within noise is no part of the
    adjustment (Tarone 1990): it could not show any.
    """
    if len(results.campaigns) != 2:
        return []
    first, second = results.campaigns
    rows = results.retests
    one, two = (
        dict(list(rows[rows["campaign"] == name].groupby(CASE, sort=False))) for name in (first, second)
    )
    shared: list[Any] = [key for key in one if key in two]
    found: list[Difference] = []
    for method in results.methods:
        own = [key for key in shared if key[0] == method]
        firsts, seconds = ([_tally(frames[key]) for key in own] for frames in (one, two))
        if len(own) > 1:
            found.append(_rates((method, "", f"{len(own)} cases"), firsts, seconds))
        for key, a, b in zip(own, firsts, seconds, strict=True):
            _, task, variant, lag = key
            place = (method, f"{task}:{variant}", str(lag))
            found.append(_rates(place, [a], [b]))
            costs = [
                frames[key].loc[frames[key]["solved"].astype(bool), "flops_to_solve"].astype(float).tolist()
                for frames in (one, two)
            ]
            if min(map(len, costs)) > 1:
                p, least = rank_test(*costs), least_rank_p(*map(len, costs))
                medians = median(costs[0]), median(costs[1])
                found.append(Difference(*place, "FLOPs", a, b, *medians, p, least, math.nan))
    able = [index for index, each in enumerate(found) if each.least < 1 - LEVEL]
    adjusted = dict(zip(able, holm([found[index].p for index in able]), strict=True))
    return [replace(each, adjusted=adjusted.get(index, math.nan)) for index, each in enumerate(found)]


def verdict(results: Results) -> str:
    """What the comparisons come to, in a sentence; empty where there are not two campaigns to compare."""
    if len(results.campaigns) != 2:
        return ""
    found = differences(results)
    able = [each for each in found if not math.isnan(each.adjusted)]
    beyond = [each for each in able if each.beyond_noise]
    said = " and ".join(results.campaigns)
    if not found:
        return f"{said} share no method at the same task and lag: there is nothing to compare."
    counted = f"{len(able)} of {len(found)} comparisons could show one"
    verb = "differences are" if len(beyond) > 1 else "difference is"
    told = f"Between {said} {len(beyond) or 'no'} {verb} beyond noise ({counted})."
    single = [each.least for each in able if each.task]
    if single and min(single) * len(able) >= 1 - LEVEL:
        told += " Among so many the retests of a single case are too few to show one."
    return told


def _rates(place: tuple[str, str, str], one: list[Tally], two: list[Tally]) -> Difference:
    """How often two campaigns solved their cases."""
    tests = exact_test(one, two), least_p(one, two)
    return Difference(*place, "solved", total(one), total(two), math.nan, math.nan, *tests, math.nan)


def _tally(rows: pd.DataFrame) -> Tally:
    return Tally(int(rows["solved"].sum()), len(rows))
