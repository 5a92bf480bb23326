"""Whether a method's recipes are those that a stored campaign began with; no model is built to tell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import optuna

from longlag.bench.contract.method import Method
from longlag.bench.contract.task import Task
from longlag.bench.plugins import handed
from longlag.bench.plugins.guard import patience, where
from longlag.bench.plugins.registry import discover
from longlag.bench.store import Campaign


def changed(campaign: Campaign) -> str:
    """In a few words, how today's recipes differ from those a campaign of one case began with; or nothing."""
    tuned = campaign.trials.query("phase == 'tune'").sort_values("trial")
    if tuned.empty:
        return ""
    case, profile = tuned.iloc[0], campaign.manifest.profile
    trials = profile["tasks"][0].get("trials") or profile["trials"]
    try:
        with patience():
            registry = discover(tuple(profile.get("plugins", ())))
            task = registry.task(case["task"], case["variant"], int(case["lag"]))
            method = registry.method(case["method"])
            own = [profile["setting"]] if profile.get("setting") else method.recipes(task.sizes)
            today = _settings(method, task, own)[: profile.get("recipes")]
    except Exception as error:
        return f"its recipes cannot be made any more: {where(error)}"
    # The recipes come first; what follows them is the sampler's, and what follows that runs the best again.
    then = [json.loads(each) for each in tuned["hyperparameters"][:trials]]
    if all(one == other for one, other in zip(today, then, strict=False)):
        return ""
    retested = {*campaign.trials.query("phase == 'retest'")["hyperparameters"]}
    kept = retested and all(json.loads(each) in today for each in retested)
    return "its recipes have changed since" + (", but not the one retested" if kept else "")


def _settings(method: Method, task: Task, recipes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The hyperparameters that recipes of a method are for a task."""
    found = []
    for recipe in recipes:
        given = handed.suggested(method, optuna.trial.FixedTrial(dict(recipe)), task)
        found.append(handed.hyperparameters(given, f"the suggestion of {method.name}"))
    return found
