"""Campaigns that gave every trial the same, read as one: the methods of all, on the tasks that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

import pandas as pd

from longlag.bench.contract.errors import BadInput
from longlag.bench.store import Campaign
from longlag.reports import given
from longlag.reports.results import Results

OWN = ("name", "description", "methods", "tasks", "lags", "controls", "timeout", "memory")
"""What profiles may differ in: who is compared, on what, how far up, and the machine's limits, which a trial
that meets one says. What entries of `tasks` give their trials is compared case by case."""
Place = tuple[str, str, int]
"""Task, variant and lag."""


class Given(NamedTuple):
    """What the trials of a case were given."""

    budget: str
    trials: str


def together(campaigns: Sequence[Campaign]) -> Campaign:
    """One campaign of the rows of all, on the task variants of the last; raises BadInput where they differ.

    Of a method that several ran on a task the newest one's rows stand, and none beyond the longest lag that
    the last has of that task, whose folder and manifest are kept.
    """
    last = campaigns[-1]
    rules = last.manifest.profile
    for each in campaigns[:-1]:
        other = each.manifest.profile
        unlike = [key for key in rules if key not in OWN and key in other and other[key] != rules[key]]
        if unlike:
            key = unlike[0]
            raise BadInput(f"{_names(each, last)} are not alike: {key} was {other[key]} and {rules[key]}")
    shown = Results([last])
    shared = [_near(each, rules) for each in Results(campaigns).on_tasks_of(shown)]
    for pair in combinations(shared, 2):
        _compare(*pair)
    newest = sorted(shared, key=lambda each: each.manifest.created)
    wins = {case: each for each in newest for case in _pairs(each)}
    kept = [each.trials[[wins[case] is each for case in _pairs(each)]] for each in shared]
    frames = {
        name: pd.concat([getattr(each, name) for each in campaigns], ignore_index=True)
        for name in ("curves", "probes", "extrapolation")
    }
    methods = [method for each in campaigns for method in each.manifest.profile["methods"]]
    told = {
        "profile": {**rules, "methods": list(dict.fromkeys(methods))},
        "controls": {name: of for each in campaigns for name, of in each.manifest.controls.items()},
        "skipped": {
            label: why
            for each in campaigns
            for label, why in each.manifest.skipped.items()
            if each is last or any(f" {panel.label} " in label for panel in shown.panels)
        },
    }
    manifest = last.manifest.model_copy(update=told)
    return replace(last, manifest=manifest, trials=pd.concat(kept, ignore_index=True), **frames)


def _near(campaign: Campaign, rules: given.Profile) -> Campaign:
    """Its rows up to the longest lag that `rules` have of their task."""
    trials = campaign.trials
    places = list(zip(trials["task"], trials["variant"], trials["lag"], strict=True))
    ends = {pair: given.longest(rules, *pair) for pair in {place[:2] for place in places}}
    return replace(campaign, trials=trials[[place[2] <= ends[place[:2]] for place in places]])


def _compare(one: Campaign, other: Campaign) -> None:
    """Raise BadInput where a case of both, or a task at a lag of both, was not given the same."""
    first, second = _given(one), _given(other)
    for place in (each for each in first if each in second):
        ours, theirs = first[place], second[place]
        sides = [([ours[name]], [theirs[name]]) for name in ours if name in theirs]
        sides.append((list(ours.values()), list(theirs.values())))
        for key, (had, has) in ((key, side) for side in sides for key in Given._fields):
            told = [", ".join(sorted({getattr(each, key) for each in some})) for some in (had, has)]
            if told[0] != told[1]:
                task, variant, lag = place
                at = f"on {task}:{variant} at lag {lag}"
                raise BadInput(f"{_names(one, other)} are not alike {at}: {key} was {told[0]} and {told[1]}")


def _given(campaign: Campaign) -> dict[Place, dict[str, Given]]:
    """What every case was given that certifies nothing, by its place and its method."""
    profile, controls = campaign.manifest.profile, campaign.manifest.controls
    found: dict[Place, dict[str, Given]] = {}
    cases = campaign.trials.drop_duplicates(["method", "task", "variant", "lag"])
    columns = (cases[name] for name in ("method", "task", "variant", "lag", "budget"))
    for method, task, variant, lag, budget in zip(*columns, strict=True):
        if f"{method}/{task}:{variant}/{lag}" not in controls:
            # Not to the last digit: a power of the lag may be another on another machine.
            had = Given(f"{budget:.6g}", str(given.trials(profile, method, task, variant, lag)))
            found.setdefault((task, variant, lag), {})[method] = had
    return found


def _names(one: Campaign, other: Campaign) -> str:
    return f"{one.folder.name} and {other.folder.name}"


def _pairs(campaign: Campaign) -> list[tuple[Any, Any, Any]]:
    """Method, task and variant of every trial."""
    trials = campaign.trials
    return list(zip(trials["method"], trials["task"], trials["variant"], strict=True))
