"""The order of the methods, and how far it holds: without a task, without a seed, with a laxer criterion."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from scipy import stats

from longlag.reports.areas import limits, mean_rate
from longlag.reports.relaxed import relaxed_trials
from longlag.reports.results import Results
from longlag.reports.statistics import Tally

RELAXED = 2.0
"""How many times the error threshold the laxer criterion allows."""
TASK = ["task", "variant"]
CHANGES = ("without a task", "without a seed", "criterion relaxed")


def scores(retests: pd.DataFrame) -> pd.DataFrame:
    """The area under success against log lag of every method (rows) on every task variant (columns).

    `retests` of one campaign: `method`, `task`, `variant`, `lag`, `solved`. NaN where it was not retested.
    """
    tallies = retests.groupby(["method", *TASK, "lag"], sort=False)["solved"].agg(["sum", "size"])
    ladders: dict[tuple[str, tuple[str, str]], dict[int, Tally]] = {}
    lags: dict[tuple[str, str], set[int]] = {}
    for (method, task, variant, lag), solved, n in tallies.itertuples(name=None):
        ladders.setdefault((method, (task, variant)), {})[lag] = Tally(int(solved), int(n))
        lags.setdefault((task, variant), set()).add(lag)
    found = {key: mean_rate(sorted(lags[key[1]]), ladder) for key, ladder in ladders.items()}
    methods = list(dict.fromkeys(method for method, _ in found))
    return pd.DataFrame(
        {task: [found.get((method, task), float("nan")) for method in methods] for task in lags},
        index=methods,
        dtype=float,
    )


def ranked(areas: pd.DataFrame) -> pd.Series[float]:
    """The rank of each method by its mean over the tasks, 1 the best, equals sharing the mean of theirs."""
    return areas.mean(axis=1).round(12).rank(ascending=False)


def stability(retests: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """A row a method and `change`: its `rank` as it is, `best` and `worst` over the change's variants, `tau`.

    Over the tasks that every method was retested on. `change` is "without a task", "without a seed" (the
    retests of one number left out of every case) or "criterion relaxed"; `variants` is how many there
    are, and `tau` the least of Kendall's tau-b between the orders. A change that cannot be made has no rows,
    nor has a single method.
    """
    columns = ["method", "area", "tasks", "change", "rank", "best", "worst", "tau", "variants"]
    areas = scores(retests).dropna(axis="columns")
    if areas.empty or len(areas) < 2:
        return pd.DataFrame(columns=columns)
    shared = retests[
        [pair in areas.columns for pair in zip(retests["task"], retests["variant"], strict=True)]
    ]
    rank, mean = ranked(areas), areas.mean(axis=1)
    rows: list[list[object]] = []
    for change, others in _changes(areas, shared, curves):
        ranks = [ranked(each.reindex(areas.index)) for each in others]
        if not ranks:
            continue
        taus = [float(stats.kendalltau(rank, each).statistic) for each in ranks]
        together = pd.concat(ranks, axis=1)
        rows += [
            [method, mean[method], areas.shape[1], change, rank[method],
             together.loc[method].min(), together.loc[method].max(), min(taus), len(ranks)]
            for method in areas.index
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _changes(
    areas: pd.DataFrame, retests: pd.DataFrame, curves: pd.DataFrame
) -> Iterator[tuple[str, list[pd.DataFrame]]]:
    if areas.shape[1] > 1:
        yield "without a task", [areas.drop(columns=[task]) for task in areas.columns]
    seeds = sorted(set(retests["trial"]))
    if len(seeds) > 1:
        yield "without a seed", [_whole(retests[retests["trial"] != seed], areas) for seed in seeds]
    if len(curves):
        yield "criterion relaxed", [scores(relaxed_trials(retests, curves, RELAXED))]


def _whole(retests: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """The scores without some retests; where a method has none left, as they were."""
    found = scores(retests)
    return found.reindex(index=areas.index, columns=areas.columns).fillna(areas)


def orders(results: Results) -> pd.DataFrame:
    """`stability` of every campaign, with its name, as far as its methods can be compared."""
    ends = results.once(limits)
    columns = (results.retests[name] for name in ("campaign", *TASK))
    far = [ends[place] for place in zip(*columns, strict=True)]
    near = results.retests[results.retests["lag"] <= far]
    found = []
    for name, each in results.campaigns.items():
        own = near[near["campaign"] == name]
        found.append(stability(own, each.curves).assign(campaign=name))
    return pd.concat(found, ignore_index=True)
