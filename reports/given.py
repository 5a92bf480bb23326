"""What a profile gives a method on a task variant: its tuning trials, and how far its lags go."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from longlag.bench.contract.names import TWIN
from longlag.bench.store import Manifest
from longlag.bench.trial.spec import Case

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


def reachable(manifest: Manifest, method: str, task: str, variant: str, lags: Iterable[int]) -> list[int]:
    """Those of `lags` that a campaign would have come to, had every one of them been bridged."""
    end = longest(manifest.profile, task, variant, method)

    def allowed(lag: int) -> bool:
        return lag <= end and Case(method, task, variant, lag).label not in manifest.skipped

    return list(takewhile(allowed, sorted(lags)))


def _entries(profile: Profile, task: str, variant: str, method: str = "") -> list[dict[str, Any]]:
    """The entries of a task variant or of its twin; of those for a method, where one is named."""
    own = [each for each in profile["tasks"] if not method or _is_for(profile, each, method)]
    # A task without a variant is its first one; which that is the rows say, where no other entry does.
    names = f"{task}:{variant.removesuffix(TWIN)}", task
    return next((found for name in names if (found := [each for each in own if each["task"] == name])), [])


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
