"""Is the measure fair? FLOPs against seconds, and the sizes of the nets that win."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from scipy import stats

from longlag.reports.evidence import SO, Evidence, Section, case_name, ends, listed, retests, table
from longlag.reports.formats import NONE, number

FEWEST = 3
"""Methods that a case needs for their order to say anything."""
PLACE = ["campaign", "task", "variant", "lag"]


def _solved(trials: pd.DataFrame) -> pd.DataFrame:
    """One row a campaign, case and method that solved a retest: the medians over the solved retests."""
    rows = retests(trials)
    rows = rows[rows["solved"].astype(bool)]
    kept = ["flops_to_solve", "seconds", "parameters"]
    medians = rows.groupby([*PLACE, "method"], sort=False)[kept].median().reset_index()
    count = medians.groupby(PLACE)["method"].transform("size")
    return medians[count >= FEWEST]


def _place(key: Any) -> list[str]:
    campaign, *case = key
    return [campaign, case_name(case)]


def seconds(evidence: Evidence) -> Section:
    """The order of the methods by FLOPs to solve and by seconds."""
    trials = evidence.everything
    solved = _solved(trials[trials["campaign"].isin(list(evidence.published))])
    methods = evidence.methods
    rows, same, cheapest, taus = [], 0, 0, []
    for key, case in solved.groupby(PLACE, sort=False):
        by = case.set_index("method")
        ranks = by[["flops_to_solve", "seconds"]].rank().astype(int)
        tau = float(stats.kendalltau(by["flops_to_solve"], by["seconds"]).statistic)
        taus.append(tau)
        same += bool((ranks["flops_to_solve"] == ranks["seconds"]).all())
        cheapest += by["flops_to_solve"].idxmin() == by["seconds"].idxmin()
        columns = (by.index, by["flops_to_solve"], by["seconds"], ranks["flops_to_solve"], ranks["seconds"])
        cells = {
            method: f"{number(flops)}, {number(time)} s ({first}, {second})"
            for method, flops, time, first, second in zip(*columns, strict=True)
        }
        rows.append([*_place(key), *(cells.get(method, NONE) for method in methods), f"{tau:.2f}"])
    speed = (solved["flops_to_solve"] / solved["seconds"]).groupby(solved["method"], sort=False)
    rates = [
        [said, how, *(number(float(of_all[method])) for method in methods), ""]
        for said, how, of_all in (
            ("FLOPs a second", "median", speed.median()),
            ("", "least", speed.min()),
            ("", "most", speed.max()),
        )
    ]
    slow, fast = ends(speed.median())
    n = len(taus)
    return Section(
        "FLOPs against seconds",
        "FLOPs are counted, the same on every machine; but they are not equally fast. Medians over the "
        "solved retests, of the cases that at least three methods solve; in brackets the ranks by FLOPs "
        "and by seconds; tau is Kendall's, 1 where both orders agree. A trial has one thread, and its "
        "seconds include the checks (7.). The campaigns of `results/fairness` are left out: other work ran "
        "beside them, and their seconds say more of that than of the methods.",
        table(["campaign", "case", *methods, "tau"], [*rows, *rates]),
        f"The order of the methods is the same by FLOPs and by seconds in {same} of {n} cases, and the "
        f"cheapest method in {cheapest}; the median tau is {pd.Series(taus).median():.2f}. {SO} a second "
        f"buys {number(fast.value)} FLOPs of {fast.method} and {number(slow.value)} of {slow.method}, so of "
        f"these two a lead in FLOPs by less than a factor of {number(fast.value / slow.value)} may be none "
        "in seconds.",
    )


def parameters(evidence: Evidence) -> Section:
    """The sizes that were tried, and those that won."""
    tuning = evidence.trials[evidence.trials["phase"] == "tune"]
    tuning = tuning[tuning["parameters"] > 0]
    solved = _solved(evidence.everything)
    methods = evidence.methods
    units = tuning["hyperparameters"].map(lambda text: json.loads(text).get("units"))
    rows = [
        [text, "all", *(_range(values[tuning["method"] == m]) for m in methods), ""]
        for text, values in (("units tried", units), ("parameters tried", tuning["parameters"]))
    ]
    ratios, largest, smallest = [], [], 0
    for key, case in solved.groupby(PLACE, sort=False):
        by = case.set_index("method")
        size = by["parameters"]
        ratios.append(float(size.max() / size.min()))
        largest += [str(method) for method in size.index[size == size.max()]]
        smallest += bool(size.iloc[by["flops_to_solve"].argmin()] == size.min())
        cells = [f"{size[m]:.0f}" if m in size.index else NONE for m in methods]
        rows.append([*_place(key), *cells, number(ratios[-1])])
    counts = pd.Series(largest).value_counts()
    most = [f"{name} in {count}" for name, count in counts.items()]
    return Section(
        "Units and parameters",
        "Units are tuned, each method's within a range of its own, and a larger net pays for its weights "
        "in FLOPs. Tried: in all trials of `results/fairness`. Below, the trained parameters of the "
        "winners, in the cases that at least three methods solve; an echo state network's are its "
        "readout's alone.",
        table(["campaign", "case", *methods, "most / fewest"], rows),
        f"The largest winner of a case, or one of several, is {listed(most)} of {len(ratios)} cases; the "
        f"smallest is also the cheapest in FLOPs in {smallest}. {SO} the methods are compared at equal "
        f"FLOPs and not at equal sizes, which differ within a case by factors of {number(min(ratios))} to "
        f"{number(max(ratios))}.",
    )


def _range(values: pd.Series[Any]) -> str:
    known = values.dropna()
    return f"{known.min():.0f} to {known.max():.0f}" if len(known) else NONE
