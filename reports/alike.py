"""Campaigns that gave every trial the same, read as one: the methods of all, on the tasks that they share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from longlag.bench.contract.errors import BadInput
from longlag.bench.store import Campaign
from longlag.reports.results import Results

OWN = ("name", "description", "methods", "tasks", "lags", "controls", "timeout", "memory")
"""What profiles may differ in: who is compared, on what, how far up, and the machine's limits, which a trial
that meets one says."""


def together(campaigns: Sequence[Campaign]) -> Campaign:
    """One campaign of the rows of all, on the task variants of the last; raises BadInput where they differ.

    Of a method that several ran on a task the newest one's rows stand, and none beyond the longest lag of the
    last, whose folder and manifest are kept.
    """
    last = campaigns[-1]
    rules = last.manifest.profile
    for each in campaigns[:-1]:
        other = each.manifest.profile
        unlike = [key for key in rules if key not in OWN and key in other and other[key] != rules[key]]
        if unlike:
            names = f"{each.folder.name} and {last.folder.name}"
            key = unlike[0]
            raise BadInput(f"{names} are not alike: {key} was {other[key]} and {rules[key]}")
    shown = Results([last])
    shared = Results(campaigns).on_tasks_of(shown)
    newest = sorted(shared, key=lambda each: each.manifest.created)
    wins = {pair: each for each in newest for pair in _pairs(each)}
    kept = [each.trials[[wins[pair] is each for pair in _pairs(each)]] for each in shared]
    trials = pd.concat(kept)
    near = trials[trials["lag"] <= _longest(rules["lags"])].reset_index(drop=True)
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
    return replace(last, manifest=manifest, trials=near, **frames)


def _longest(lags: Any) -> float:
    """The longest of a profile's lags; infinite of a climb that names no range."""
    if isinstance(lags, list):
        return float(max(lags))
    last = lags.partition("..")[2]
    return float(last) if last else math.inf


def _pairs(campaign: Campaign) -> list[tuple[Any, Any, Any]]:
    """Method, task and variant of every trial."""
    trials = campaign.trials
    return list(zip(trials["method"], trials["task"], trials["variant"], strict=True))
