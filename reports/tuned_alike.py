"""Is tuning fair? First guesses, the width of the search spaces, and the sampler.

From campaigns that differ in one of them alone.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from statistics import median
from typing import Any

import pandas as pd

from longlag.bench.trial.spec import bridged
from longlag.reports.evidence import (
    ALIKE,
    SO,
    Evidence,
    Section,
    case_name,
    cases,
    count_bridged,
    in_all,
    listed,
    table,
    tallies,
    tally,
)
from longlag.reports.formats import number
from longlag.reports.formats import tally as of
from longlag.reports.statistics import exact_test, total

NEAR = 1.1
"""A setting is near the best known where its score is at most so many times as high."""


def recipes(evidence: Evidence) -> Section:
    """What the methods bridge whose recipes are not tried, or not all."""
    trials = evidence.trials
    shared = in_all(trials[trials["sampler"] == "tpe"], "recipes")
    levels = sorted(shared["recipes"].unique())
    rows = []
    for method, own in shared.groupby("method", sort=False):
        cells = []
        for level in levels:
            found = tallies(own[own["recipes"] == level])
            cells += [of(count_bridged(found), len(found)), of(*total(found))]
        rows.append([str(method), *cells])
    by_level = {level: tallies(shared[shared["recipes"] == level]) for level in levels}
    sums = [
        cell
        for found in by_level.values()
        for cell in (of(count_bridged(found), len(found)), of(*total(found)))
    ]
    head = [f"{text}, recipes = {level}" for level in levels for text in ("bridged", "solved")]
    none, every = by_level[levels[0]], by_level[levels[-1]]
    changed = sum(bridged(*a) != bridged(*b) for a, b in zip(none, every, strict=True))
    numbers = [f"{count_bridged(found)} with recipes = {level}" for level, found in by_level.items()]
    orders = [_order(shared[shared["recipes"] == level]) for level in (levels[0], levels[-1])]
    same = "the same" if orders[0] == orders[1] else "not the same"
    return Section(
        "The recipes as first guesses",
        "Whoever wrote a method's recipes knew these tasks. What if no method's are tried, or the first "
        "alone? The number of trials is the same: what recipes do not take, the sampler has. Bridged: "
        "cases with at least 90% of the retests solved. Solved: retests, fewer of a case where tuning "
        "solved nothing.",
        table(["method", *head], [*rows, ["all", *sums]]),
        f"Of {len(every)} cases, the number bridged is {listed(numbers)}; from {levels[0]} to {levels[-1]} "
        f"it changes in {cases(changed)} (exact test over the retests: p = "
        f"{number(exact_test(none, every))}). {SO} the order of the methods, by cases bridged and then by "
        f"retests solved, is {same} with {levels[0]} ({_spoken(orders[0])}) and with {levels[-1]} "
        f"({_spoken(orders[-1])}).",
    )


def _order(shared: pd.DataFrame) -> list[list[str]]:
    """The methods, most bridged first, then most solved; those alike together."""
    groups: dict[tuple[int, float], list[str]] = defaultdict(list)
    for method, own in shared.groupby("method", sort=True):
        found = tallies(own)
        solved, n = total(found)
        groups[-count_bridged(found), -solved / max(n, 1)].append(str(method))
    return [groups[key] for key in sorted(groups)]


def _spoken(order: list[list[str]]) -> str:
    return ", then ".join(listed(alike) for alike in order)


def width(evidence: Evidence) -> Section:
    """How many trials it takes to come near the best known score of a case without a recipe."""
    trials = evidence.trials
    tuning = trials[trials["phase"] == "tune"]
    best = tuning.groupby(ALIKE)["score"].min()
    alone = tuning[(tuning["recipes"] == 0) & (tuning["trial"] < tuning["tried"])]
    samplers = sorted(alone["sampler"].unique(), reverse=True)
    rows, never = [], dict.fromkeys(samplers, 0)
    for method, own in alone.groupby("method", sort=False):
        sizes = own["hyperparameters"].map(lambda text: len(json.loads(text)))
        cells = [_range(sizes.min(), sizes.max())]
        for sampler in samplers:
            groups = own[own["sampler"] == sampler].groupby(ALIKE)
            near = [_first(case, NEAR * min(best[key], 1 / NEAR)) for key, case in groups]
            solved = [_first(case, 1.0) for _, case in groups]
            never[sampler] += sum(map(math.isinf, near))
            cells += [_trials(solved), _trials(near), of(sum(map(math.isinf, near)), len(near))]
        rows.append([str(method), *cells])
    head = [
        f"{text}, {sampler}"
        for sampler in samplers
        for text in ("first solution", "within 10%", "never within 10%")
    ]
    tried = _range(alone["tried"].min(), alone["tried"].max())
    found = alone.groupby(["sampler", *ALIKE])["score"].min().reset_index()
    tuned = found["sampler"].value_counts()
    said = [f"{never[sampler]} of {cases(int(tuned[sampler]))} with {sampler}" for sampler in samplers]
    found = found[found["score"] <= 1]
    found["factor"] = found["score"] / best.loc[pd.MultiIndex.from_frame(found[ALIKE])].to_numpy()
    middle = found.groupby("sampler")["factor"].median()
    factors = [f"{number(float(middle.get(sampler, math.nan)))} with {sampler}" for sampler in samplers]
    return Section(
        "The width of the search spaces",
        f"A method with many settings needs more trials to find its good ones. Without recipes, of {tried} "
        "trials: the first that solves the case, and the first with a score within 10% of the best known, "
        "the best of all the campaigns here, which is also the luckiest; medians over the cases. Settings: "
        "how many a trial is given.",
        table(["method", "settings", *head], rows),
        f"No trial comes within 10% of the best known in {listed(said)}. {SO} the costs to solve in a "
        "report are what so many trials find; the median factor between them and the best known is "
        f"{listed(factors)} here.",
    )


def _first(case: pd.DataFrame, score: float) -> float:
    """The number, from 1, of the first trial that scored so low; infinite where none did."""
    found = case.loc[case["score"] <= score, "trial"]
    return math.inf if found.empty else float(found.min()) + 1


def _trials(numbers: list[float]) -> str:
    middle = median(numbers) if numbers else math.nan
    return "never" if math.isinf(middle) else number(middle)


def _range(low: Any, high: Any) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


_SAMPLERS = (
    "TPE learns from the trials before, and may suit one method's settings better than another's. Against "
    "it, settings drawn at random, without recipes, in the same cases with the same budgets and numbers of "
    "trials. Best: the lowest score in tuning, at most 1 where it solved. Solved: retests."
)


def sampler(evidence: Evidence) -> Section:
    """TPE against random search."""
    trials = evidence.trials
    shared = in_all(trials[trials["recipes"] == 0], "sampler")
    if shared["sampler"].nunique() < 2:
        return Section("The sampler", _SAMPLERS, [], "Not measured yet: no campaign here draws at random.")
    tuning = shared[(shared["phase"] == "tune") & (shared["trial"] < shared["tried"])]
    rows, better, worse = [], 0, 0
    tpe, random = shared[shared["sampler"] == "tpe"], shared[shared["sampler"] == "random"]
    best = tuning.groupby([*ALIKE, "sampler"])["score"].min().unstack("sampler")
    for key, one, two in zip(best.index.tolist(), best["tpe"], best["random"], strict=True):
        better, worse = better + (one < two), worse + (two < one)
        rows.append(
            [
                str(key[0]),
                case_name(key[1:4]),
                number(one),
                number(two),
                *(of(*tally(_case(frame, key))) for frame in (tpe, random)),
            ]
        )
    alike = tuning[tuning["sampler"] == "tpe"]["run_id"].isin(random["run_id"])
    first, second = tallies(tpe), tallies(random)
    return Section(
        "The sampler",
        _SAMPLERS,
        table(["method", "case", "best, tpe", "best, random", "solved, tpe", "solved, random"], rows),
        f"Of TPE's {len(alike)} trials {int(alike.sum())} are the random search's too, as it begins at "
        f"random. Its best score is the lower in {better} of {cases(len(best))}, random search's in "
        f"{worse}. {SO} the winners that TPE finds solve {of(*total(first))} retests and bridge "
        f"{count_bridged(first)} of the cases, those of random search {of(*total(second))} and "
        f"{count_bridged(second)} (exact test over the retests: p = {number(exact_test(first, second))}).",
    )


def _case(frame: pd.DataFrame, key: Any) -> pd.DataFrame:
    own = pd.Series(True, index=frame.index)
    for name, value in zip(ALIKE, key, strict=True):
        own &= frame[name] == value
    return frame[own]
