"""In what two campaigns differ but in results: settings, budgets, code, versions, machine, and cases.

And in what they do not: runs of the same seed and settings are no replication of each other.
"""

from __future__ import annotations

from typing import Any

from longlag.bench.store import Campaign
from longlag.reports.formats import number, plain
from longlag.reports.results import KEYS, Results

CASE = KEYS[1:]
"""What makes two campaigns' cases the same."""
_NAMED = {"name", "description", "timeout", "memory", "plugins"}
"""Keys of a profile that change no row; a plugin's code is told by its hash."""
_BY_ROWS = {"methods", "tasks", "lags", "budget", "controls"}
"""Those that are told from the rows."""
_LONGEST = 60
"""Characters of a value that are shown."""


def unlike(results: Results, first: str, second: str) -> list[str]:
    """One line for each thing in which campaigns of `results` differ, by their names there."""
    one, two = results.campaigns[first], results.campaigns[second]
    lines = [*_settings(one, two), *_budgets(results, first, second), *_code(results, first, second)]
    versions = _differing(one.manifest.versions, two.manifest.versions)
    lines += [f"versions: {', '.join(versions)}"] if versions else []
    machine = [str(each.manifest.machine.get("cpu", "unknown")) for each in (one, two)]
    lines += [f"machine: {machine[0]} against {machine[1]}"] if machine[0] != machine[1] else []
    return lines + _runs_in_common(results, first, second)


def alone(results: Results, first: str, second: str) -> list[str]:
    """One line for each task, with its methods and lags, whose retests only one of the two campaigns has."""
    rows = results.retests
    held = {
        name: dict.fromkeys(
            rows.loc[rows["campaign"] == name, CASE].drop_duplicates().itertuples(index=False, name=None)
        )
        for name in (first, second)
    }
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for name, other in ((first, second), (second, first)):
        for method, task, variant, lag in held[name]:
            if (method, task, variant, lag) not in held[other]:
                found.setdefault((name, f"{task}:{variant}"), {}).setdefault(method, []).append(lag)
    return [
        f"only in {name}: {task}, "
        + "; ".join(f"{method} at {', '.join(map(str, sorted(lags)))}" for method, lags in methods.items())
        for (name, task), methods in found.items()
    ]


def _settings(one: Campaign, two: Campaign) -> list[str]:
    profiles = (one.manifest.profile, two.manifest.profile)
    keys = dict.fromkeys(key for profile in profiles for key in profile if key not in _NAMED | _BY_ROWS)
    # A key that an earlier version did not have is not set there.
    values = {key: [_short(profile.get(key)) for profile in profiles] for key in keys}
    return [f"{key}: {a} against {b}" for key, (a, b) in values.items() if a != b]


def _short(value: Any) -> str:
    text = plain(value) if value not in (None, [], {}) else "none"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _budgets(results: Results, first: str, second: str) -> list[str]:
    # Whatever the method: those of one campaign have the same, unless its profile says otherwise.
    shared = _shared(results, first, second, CASE[1:], "budget")
    differ = [(key, a, b) for key, (a, b) in shared.items() if a != b]
    if not differ:
        return []
    (task, variant, lag), *both = differ[0]
    flops = " against ".join(" or ".join(number(float(each)) for each in sorted(some)) for some in both)
    where = f"at {len(differ)} of {len(shared)} shared lags, as on {task}:{variant} at {lag}"
    return [f"budget: {where}: {flops} FLOPs"]


def _code(results: Results, first: str, second: str) -> list[str]:
    shared = _shared(results, first, second, CASE, "code_hash")
    differ = sum(a != b for a, b in shared.values())
    commits = [
        str(results.campaigns[name].manifest.git.get("commit") or "unknown")[:7] for name in (first, second)
    ]
    if not differ and (shared or commits[0] == commits[1]):
        return []
    cases = f"in {differ} of {len(shared)} shared cases" if shared else "no case is shared"
    return [f"code: {cases} (commit {commits[0]} against {commits[1]})"]


def _shared(
    results: Results, first: str, second: str, keys: list[str], column: str
) -> dict[Any, tuple[frozenset[Any], frozenset[Any]]]:
    """What the retests of either have in a column, for each value of the keys that both have."""
    rows = results.retests
    one, two = (
        rows[rows["campaign"] == name].groupby(keys, sort=False)[column].agg(frozenset).to_dict()
        for name in (first, second)
    )
    return {key: (values, two[key]) for key, values in one.items() if key in two}


def _runs_in_common(results: Results, first: str, second: str) -> list[str]:
    shared = _shared(results, first, second, [*CASE, "seed"], "hyperparameters")
    same = sum(bool(a & b) for a, b in shared.values())
    told = "retests on a shared seed have the same settings too: the same draws again, no replication"
    return [f"runs: {same} of {len(shared)} {told}"] if same else []


def _differing(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    keys = dict.fromkeys([*one, *two])
    return [
        f"{key} {one.get(key, 'unknown')} against {two.get(key, 'unknown')}"
        for key in keys
        if one.get(key) != two.get(key)
    ]
