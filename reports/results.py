"""One or several campaigns gathered for a report: retests, their curves and probes, and the cases."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from longlag.bench.contract.names import TWIN
from longlag.bench.store import Campaign
from longlag.reports.statistics import Tally, expected_cost, frontier, median_interval, wilson

KEYS = ["campaign", "method", "task", "variant", "lag"]


@dataclass(frozen=True)
class Panel:
    """A task variant of one campaign: what one chart shows."""

    campaign: str
    task: str
    variant: str
    label: str


class Results:
    """The evidence of a report. Frames carry a `campaign` column, and keep the order of the profile."""

    def __init__(self, campaigns: Sequence[Campaign]) -> None:
        self.campaigns = dict(zip(_names(campaigns), campaigns, strict=True))
        everything = _together({name: each.trials for name, each in self.campaigns.items()})
        certified = _certified(everything, self.campaigns)
        self.trials = everything[certified.isna()]
        self.controls = everything.assign(certifies=certified)[certified.notna()]
        """The trials of controls, which are no results; with the variant that each `certifies`."""
        self.methods = self._ordered_methods()
        self.retests = self.trials[self.trials["phase"] == "retest"]
        self.tuning = self.trials[self.trials["phase"] == "tune"]

    def on_tasks_of(self, other: Results) -> list[Campaign]:
        """The campaigns that have trials on the task variants of `other`, or their twins; these alone."""
        wanted = {
            (panel.task, variant)
            for panel in other.panels
            for variant in (panel.variant, panel.variant + TWIN)
        }
        found = []
        for each in self.campaigns.values():
            trials = each.trials
            pairs = zip(trials["task"], trials["variant"], strict=True)
            kept = trials[[pair in wanted for pair in pairs]]
            found += [replace(each, trials=kept)] if len(kept) else []
        return found

    @property
    def several(self) -> bool:
        """Whether campaigns stand side by side."""
        return len(self.campaigns) > 1

    @property
    def unfinished(self) -> str:
        """One line that names the campaigns that are not at their end; empty where all are."""
        names = [name for name, each in self.campaigns.items() if each.manifest.finished is None]
        return f"Unfinished: {', '.join(names)}. This is what had been stored until now." if names else ""

    @property
    def mixed(self) -> list[str]:
        """One line for each campaign whose code or versions changed between its trials."""
        said = {name: each.mixed for name, each in self.campaigns.items()}
        return [f"{name} is a mix of code: {mixed}." for name, mixed in said.items() if mixed]

    def _ordered_methods(self) -> list[str]:
        planned = [
            str(method)
            for each in self.campaigns.values()
            for method in each.manifest.profile.get("methods", [])
        ]
        present = set(self.trials["method"])
        return list(dict.fromkeys([*(name for name in planned if name in present), *sorted(present)]))

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The retests' learning curves, each row with its case."""
        return self._of_retests({name: each.curves for name, each in self.campaigns.items()})

    @cached_property
    def probes(self) -> pd.DataFrame:
        """The retests' probes, each row with its case; how far back a probe looks is `back`."""
        frames = {name: each.probes.rename(columns={"lag": "back"}) for name, each in self.campaigns.items()}
        return self._of_retests(frames)

    @cached_property
    def extrapolation(self) -> pd.DataFrame:
        """What solved retests came to at longer lags, each row with its case; the lag asked is `asked`."""
        named = {"lag": "asked"}
        return self._of_retests(
            {name: each.extrapolation.rename(columns=named) for name, each in self.campaigns.items()}
        )

    def _of_retests(self, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
        cases = self.retests[[*KEYS, "run_id", "trial"]].drop_duplicates(["campaign", "run_id"])
        return _together(frames).merge(cases, on=["campaign", "run_id"], how="inner")

    @cached_property
    def panels(self) -> list[Panel]:
        """Every task variant of every campaign, the same task of several campaigns side by side."""
        found = self.trials[["task", "variant", "campaign"]].drop_duplicates()
        order = {pair: rank for rank, pair in enumerate(zip(found["task"], found["variant"], strict=True))}
        rows = sorted(
            found.itertuples(index=False, name=None), key=lambda row: min(order[row[:2]], len(order))
        )
        return [
            Panel(campaign, task, variant, f"{task}:{variant}" + (f" · {campaign}" if self.several else ""))
            for task, variant, campaign in rows
        ]

    @cached_property
    def cases(self) -> pd.DataFrame:
        """One row a case: see `summarise`; panels, then lags, then methods in their order."""
        groups = self.trials.groupby(KEYS, sort=False)
        rows = [dict(zip(KEYS, key, strict=True)) | summarise(rows) for key, rows in groups]
        panel = {(p.campaign, p.task, p.variant): rank for rank, p in enumerate(self.panels)}
        method = {name: rank for rank, name in enumerate(self.methods)}
        rows.sort(
            key=lambda row: (
                panel[row["campaign"], row["task"], row["variant"]],
                row["lag"],
                method[row["method"]],
            )
        )
        return pd.DataFrame(rows, columns=[*KEYS, *COLUMNS])

    def of(self, panel: Panel, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of `frame` that belong to `panel`."""
        return frame[
            (frame["campaign"] == panel.campaign)
            & (frame["task"] == panel.task)
            & (frame["variant"] == panel.variant)
        ]

    def ladder(self, panel: Panel, method: str) -> dict[int, Tally]:
        """The method's tally at each lag of the panel, 0 of 0 where it has no retest; of a climb, its rungs.

        What a climb never tried was not failed.
        """
        cases = self.of(panel, self.cases)
        own = cases[cases["method"] == method]
        tallies = {
            lag: Tally(solved, n)
            for lag, solved, n in zip(*(own[name].tolist() for name in ("lag", "solved", "n")), strict=True)
        }
        lags = tallies if own["rung"].any() else set(cases["lag"].tolist())
        return {lag: tallies.get(lag, Tally(0, 0)) for lag in sorted(lags)}

    def climbs(self, panel: Panel) -> bool:
        """Whether its lags were climbed to."""
        return bool(self.of(panel, self.cases)["rung"].any())

    def case(self, panel: Panel, method: str, lag: int) -> Any:
        """The case's row of `cases`; None where it was not tried."""
        cases = self.of(panel, self.cases)
        return next(cases[(cases["method"] == method) & (cases["lag"] == lag)].itertuples(), None)

    def frontier(self, panel: Panel, method: str) -> int | None:
        """T* of a method on a panel."""
        return frontier(self.ladder(panel, method))


COLUMNS = [
    "rung",
    "budget",
    "n",
    "solved",
    "rate",
    "low",
    "high",
    "median_flops_to_solve",
    "median_flops_low",
    "median_flops_high",
    "expected_flops_to_solve",
    "median_sequences_to_solve",
    "median_updates_to_solve",
    "median_seconds",
    "median_error",
    "median_extrapolates",
    "chance",
    "outcomes",
    "trials",
    "best_tuning_score",
    "mean_retest_score",
    "gap",
    "best_hyperparameters",
]


def summarise(rows: pd.DataFrame) -> dict[str, Any]:
    """What a case comes to, from its trials: results from the retests alone, tuning beside them.

    Medians to solve are over the solved retests; the expected cost charges the unsolved ones with
    what they spent, or with the whole budget where they died before that was counted.
    """
    retests, tuning = rows[rows["phase"] == "retest"], rows[rows["phase"] == "tune"]
    won = retests["solved"].astype(bool)
    solved, n = int(won.sum()), len(retests)
    costs = retests.loc[won, "flops_to_solve"].astype(float)
    spent = retests["flops_to_solve"].where(won, retests["flops"].fillna(retests["budget"]))
    rate, median = wilson(solved, n), median_interval(costs)
    tuned, retested = tuning["score"].min(), retests["score"].mean()
    failures = Counter(retests.loc[~won, "status"])
    return {
        "rung": int(rows["rung"].iloc[0]),
        "budget": float(rows["budget"].iloc[0]),
        "n": n,
        "solved": solved,
        "rate": solved / n if n else math.nan,
        "low": rate.low,
        "high": rate.high,
        "median_flops_to_solve": costs.median(),
        "median_flops_low": median.low,
        "median_flops_high": median.high,
        "expected_flops_to_solve": expected_cost(spent, won),
        "median_sequences_to_solve": retests.loc[won, "sequences_to_solve"].astype(float).median(),
        "median_updates_to_solve": retests.loc[won, "updates_to_solve"].astype(float).median(),
        "median_seconds": retests["seconds"].astype(float).median(),
        "median_error": retests["error"].astype(float).median(),
        "median_extrapolates": retests["extrapolates"].median(),
        "chance": float(rows["chance"].iloc[0]),
        "outcomes": ", ".join(f"{status} {count}" for status, count in failures.most_common()),
        "trials": len(tuning),
        "best_tuning_score": tuned,
        "mean_retest_score": retested,
        "gap": retested - tuned,
        "best_hyperparameters": _best(retests, tuning),
    }


def _certified(trials: pd.DataFrame, campaigns: dict[str, Campaign]) -> pd.Series[Any]:
    """The variant that each trial's case is a control of; missing where it is none."""
    keys = (f"{t.method}/{t.task}:{t.variant}/{t.lag}" for t in trials.itertuples())
    found = [
        campaigns[name].manifest.controls.get(key) for name, key in zip(trials["campaign"], keys, strict=True)
    ]
    return pd.Series(found, index=trials.index, dtype=object)


def _best(retests: pd.DataFrame, tuning: pd.DataFrame) -> str:
    """What was retested; without retests, what scored best."""
    if len(retests):
        return str(retests["hyperparameters"].iloc[0])
    ranked = tuning.dropna(subset="score").sort_values("score", kind="stable")
    return str(ranked["hyperparameters"].iloc[0]) if len(ranked) else "{}"


def _together(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    labelled = [frame.assign(campaign=name) for name, frame in frames.items()]
    filled = [frame for frame in labelled if len(frame)]
    return pd.concat(filled or labelled[:1], ignore_index=True)


def _names(campaigns: Sequence[Campaign]) -> list[str]:
    """A distinct name for each campaign: its own, or its folder's, or that with a number."""
    plain = [each.manifest.campaign for each in campaigns]
    if len(set(plain)) < len(plain):
        plain = [each.folder.resolve().name for each in campaigns]
    seen: Counter[str] = Counter()
    names = []
    for name in plain:
        seen[name] += 1
        names.append(name if plain.count(name) == 1 else f"{name} ({seen[name]})")
    return names
