"""Replay: one stored trial again, from what is stored, and whether it comes out the same."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from longlag.bench import store
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.plugins.guard import patience, reason, where
from longlag.bench.plugins.registry import Registry
from longlag.bench.store import row
from longlag.bench.trial.spec import Case, TrialSpec
from longlag.bench.workers.hashes import code_hash
from longlag.bench.workers.pool import Executor


@dataclass(frozen=True)
class Replay:
    """A stored row, the row of its replay, and where they differ."""

    stored: dict[str, Any]
    again: dict[str, Any]

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Column -> (stored, again), of every column that must come out the same, and was there then."""
        return {
            name: (self.stored[name], self.again[name])
            for name in store.named("identity", "result")
            if not (_same(self.stored[name], self.again[name]) or self._came_later(name))
        }

    def _came_later(self, name: str) -> bool:
        """Whether the stored row is older than the column, which it then has no number in."""
        there: float | str = self.stored[name]
        return name in store.LATER[store.TRIALS] and isinstance(there, float) and math.isnan(there)

    @property
    def code_changed(self) -> bool:
        """Whether the code that trained is not the code that was stored."""
        return bool(self.stored["code_hash"] != self.again["code_hash"])


def stored_profile(folder: Path) -> Profile:
    """The profile a campaign ran, from its manifest; raises BadInput."""
    return parse(store.read_manifest(folder).profile, f"{folder / store.MANIFEST}: profile")


def find(folder: Path, run_id: str) -> dict[str, Any]:
    """The stored row of a run, named by its id or an unambiguous beginning of it; raises BadInput."""
    found = {row["run_id"]: row for row in store.rows(folder)}
    matching = [known for known in found if known.startswith(run_id)] if run_id else []
    if len(matching) == 1:
        return found[matching[0]]
    if matching:
        raise BadInput(f"{folder}: {len(matching)} runs begin with {run_id!r}: {', '.join(matching[:3])} ...")
    hint = nearest(run_id, found)
    if len(found) >= 10 and "did you mean" not in hint:
        hint = f"the first of {len(found)} is {min(found)}"
    raise BadInput(f"{folder}: no run {run_id!r}: {hint}")


def spec_of(stored: dict[str, Any], profile: Profile) -> TrialSpec:
    """The TrialSpec that a stored row came from; raises BadInput where row and profile do not fit."""
    case = Case(stored["method"], stored["task"], stored["variant"], int(stored["lag"]))
    cap = stored["cap"]
    spec = TrialSpec(
        case=case,
        phase=stored["phase"],
        number=int(stored["trial"]),
        seed=int(stored["seed"]),
        hyperparameters=json.loads(stored["hyperparameters"]),
        limits=profile.limits(
            float(stored["budget"]), None if cap is None or math.isnan(cap) else float(cap)
        ),
        checks=profile.checks,
        plugins=tuple(profile.plugins),
        rung=int(stored["rung"]),
        carried_from=int(stored["carried_from"]),
        extrapolate=tuple(profile.extrapolate) if stored["phase"] == "retest" else (),
    )
    if spec.run_id == stored["run_id"]:
        return spec
    if replace(spec, fault=stored["detail"]).run_id == stored["run_id"]:
        raise BadInput(f"run {stored['run_id']} never ran, there is nothing to replay: {stored['detail']}")
    raise BadInput(f"run {stored['run_id']}: row and manifest do not belong together")


def replay(stored: dict[str, Any], profile: Profile, registry: Registry, executor: Executor) -> Replay:
    """Run a stored trial again; raises BadInput where its plugins or its data are gone."""
    spec = spec_of(stored, profile)
    try:
        with patience():
            registry.task(spec.case.task, spec.case.variant, spec.case.lag)
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"run {stored['run_id']}: its task cannot be set up: {where(error)}") from None
    try:
        changed = code_hash(registry.plugins(spec.case.method, spec.case.task))
    except OSError as error:
        raise BadInput(f"run {stored['run_id']}: its code cannot be read: {reason(error)}") from None
    outcome = executor.outcome(executor.submit(spec))
    return Replay(stored, row(spec, outcome, changed))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return bool(a == b)
