"""The same runs under a laxer criterion, as far as their stored curves tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from longlag.bench.store import Campaign

THRESHOLD = 0.01
"""The share of wrong answers below which tasks are solved, unless they say otherwise."""
KNOWN = (THRESHOLD, 0.02, 0.05, 0.1, 0.2, 0.5)
"""What a threshold can be: the least of these above half of the errors that a task's runs passed with."""
COSTS = ("flops", "sequences", "updates")


def relaxed(campaign: Campaign, factor: float) -> Campaign:
    """The campaign with every retest solved that once had fewer than `factor` thresholds of a check wrong."""
    return replace(campaign, trials=relaxed_trials(campaign.trials, campaign.curves, factor))


def relaxed_trials(trials: pd.DataFrame, curves: pd.DataFrame, factor: float) -> pd.DataFrame:
    """`trials` under `factor` times the error threshold, 1 and more.

    A retest is solved at the first check after some update below it, at the cost so far; one that was solved
    stays so, at that cost where it is less. Tuning trials stay as they were.
    """
    retests = trials[trials["phase"] == "retest"]
    limits = thresholds(retests, curves) * factor
    checks = curves.merge(
        pd.DataFrame({"run_id": retests["run_id"], "limit": limits}).drop_duplicates("run_id"), on="run_id"
    )
    # What a net answers rightly before its first update it has not learnt.
    checks = checks[checks["updates"] > 0]
    first = checks[checks["error"] < checks["limit"]].groupby("run_id", sort=False).first()
    found = trials.set_index("run_id").index
    passed = (trials["phase"] == "retest").to_numpy() & found.isin(first.index)
    made = trials.copy()
    made["solved"] = trials["solved"].astype(bool) | passed
    made["status"] = trials["status"].where(~passed, "solved")
    for name in COSTS:
        at = first[name].reindex(found).to_numpy(dtype=float)
        before = trials[f"{name}_to_solve"].to_numpy(dtype=float)
        made[f"{name}_to_solve"] = np.where(passed, np.fmin(at, before), before)
    return made


def thresholds(retests: pd.DataFrame, curves: pd.DataFrame) -> pd.Series[float]:
    """The threshold of each retest's task, read off the last checks of those that solved it."""
    last = curves.groupby("run_id", sort=False)["error"].last()
    ends = retests["run_id"].map(last).where(retests["solved"].astype(bool))
    middle = ends.groupby([retests["task"], retests["variant"]]).transform("median")
    known = np.array(KNOWN)
    place = np.searchsorted(known, middle.fillna(0).to_numpy(dtype=float), side="right")
    return pd.Series(known[np.minimum(place, len(known) - 1)], index=retests.index)


def not_recomputed(campaigns: Sequence[Campaign], factor: float) -> str:
    """What the laxer criterion leaves as it was, in a sentence or two."""
    without = sum(
        int((~rows["run_id"].isin(set(each.curves["run_id"]))).sum())
        for each in campaigns
        for rows in [each.trials[each.trials["phase"] == "retest"]]
    )
    missing = f"{without} retests have no stored curve and stay as they were; " if without else ""
    return (
        f"Criterion relaxed: a retest counts as solved at its first check with fewer than {factor:g} times "
        "the wrong answers that its task allows, from the stored curves. What cannot be computed again: "
        f"{missing}no pass is confirmed on fresh sequences; a check stopped once too many were wrong, so its "
        "error may be of a part of its sequences; and tuning, reruns and climbs chose settings and lags "
        "under the strict criterion, so longer lags may not have been tried."
    )
