"""What a profile gives a method on a task variant: its tuning trials, and the longest of its lags."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from longlag.bench.contract.names import TWIN

Profile = Mapping[str, Any]
"""As a manifest has it."""


def trials(profile: Profile, method: str, task: str, variant: str, lag: int) -> int:
    """How many trials tune a case."""
    found = [entry for entry in _entries(profile, task, variant, method) if _has(profile, entry, lag)]
    return int((found[0].get("trials") if found else None) or profile["trials"])


def longest(profile: Profile, task: str, variant: str, method: str = "") -> float:
    """The longest lag of a task variant, or of a method on it; infinite of a climb that names no range."""
    entries = _entries(profile, task, variant, method)
    rules = [entry.get("lags") or profile["lags"] for entry in entries] or [profile["lags"]]
    return max(_ends(rule)[1] for rule in rules)


def _entries(profile: Profile, task: str, variant: str, method: str = "") -> list[dict[str, Any]]:
    """The entries of a task variant or of its twin; of those for a method, where one is named."""
    name = f"{task}:{variant.removesuffix(TWIN)}"
    # A task without a variant is its first one; which that is the rows say, where no other entry does.
    found = [each for each in profile["tasks"] if each["task"] == name]
    found = found or [each for each in profile["tasks"] if each["task"] == task]
    return [each for each in found if not method or _is_for(profile, each, method)]


def _is_for(profile: Profile, entry: dict[str, Any], method: str) -> bool:
    """Whether an entry names a method, in whatever order the parts of a combination are."""
    parts = frozenset(method.split("+"))
    return any(frozenset(each.split("+")) == parts for each in entry.get("methods") or profile["methods"])


def _has(profile: Profile, entry: dict[str, Any], lag: int) -> bool:
    rule = entry.get("lags") or profile["lags"]
    first, last = _ends(rule)
    return lag in rule if isinstance(rule, list) else first <= lag <= last


def _ends(rule: list[int] | str) -> tuple[float, float]:
    """The shortest and the longest lag of a list, or of a climb."""
    if isinstance(rule, list):
        return min(rule), max(rule)
    first, _, last = rule.partition(":")[2].partition("..")
    return (float(first), float(last)) if last else (0.0, math.inf)
