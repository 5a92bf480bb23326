"""What capping saves: FLOPs until tuning has found what the campaign without a cap finds as well.

The same cases twice, with the cap of the profiles and with none, on the same seeds. What counts is the
better score that both reach, and the FLOPs of all trials up to the one that first has it. FLOPs are counted,
not timed, so the figure is the same whatever else the machine does. The cases are small ones, so that they
fit into this suite; on larger budgets there is more to cut.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import parse
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Outcome, TrialSpec
from longlag.bench.workers.pool import LocalPool
from longlag.bench.workers.worker import execute

BAR = 0.5
FEWEST = 10
CASE = ["method", "task", "variant", "lag"]
CAP = 2.0
CASES = {
    "methods": ["lstm", "echo_state"],
    "tasks": [
        {"task": "temporal_order:ms11"},
        {"task": "distractors:2c_50"},
        {"task": "adding:ms11", "lags": [20]},
    ],
    "lags": [20, 30],
    "trials": 8,
    "batch": 4,
    "retests": 1,
    "budget": 1e9,
    "checks": {"validation": 100, "confirmation": 200, "test": 100},
}


class Here:
    """Runs a trial in this process when it is submitted."""

    slots = 1

    def submit(self, spec: TrialSpec) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(Outcome(**execute(asdict(spec))))
        return future

    def outcome(self, future: Future[Any]) -> Outcome:
        outcome: Outcome = future.result()
        return outcome

    def close(self) -> None:
        pass


def tuned(cap: float | None, given: dict[str, Any], folder: Path, pool: Any) -> pd.DataFrame:
    """The tuning trials of every case, in the order in which they were asked."""
    chosen = parse({"name": "capping", **given, "cap": cap}, "speed")
    coordinator = Coordinator(chosen, discover(), folder).open(resume=False)
    coordinator.run(pool, lambda *_: None)
    coordinator.close()
    return pd.read_parquet(folder / "trials.parquet").query("phase == 'tune'")


def spent(trials: pd.DataFrame, reached: float) -> float:
    """FLOPs of the trials up to the first whose score is `reached` or better."""
    first = int(np.argmax(trials["score"].to_numpy() <= reached))
    return float(trials["flops"].iloc[: first + 1].sum())


def test_capping_saves_flops(tmp_path: Path, benchmark: Any, holds: Callable[..., None], timed: bool) -> None:
    one = {"methods": ["echo_state"], "tasks": CASES["tasks"][:1], "lags": [20], "trials": 5}
    given = CASES if timed else {**CASES, **one}
    pool = LocalPool(2, timeout=600, memory_gb=2) if timed else Here()
    try:
        capped, free = benchmark.pedantic(
            lambda: [tuned(cap, given, tmp_path / f"{cap}", pool) for cap in (CAP, None)], rounds=1
        )
    finally:
        pool.close()
    others = dict([*free.groupby(CASE)])
    assert set(others) == {key for key, _ in capped.groupby(CASE)}
    # Up to the first solution nothing is capped: so far the two are the same.
    first = given["batch"]
    for key, own in capped.groupby(CASE):
        assert own["score"].head(first).tolist() == others[key]["score"].head(first).tolist()
    until, whole = [], []
    for key, own in capped.groupby(CASE):
        reached = max(own["score"].min(), others[key]["score"].min())
        if reached <= 1:
            until.append(spent(own, reached) / spent(others[key], reached))
            whole.append(own["flops"].sum() / others[key]["flops"].sum())
    cases = f"{len(until)} cases that both solve"
    if timed:
        assert len(until) >= FEWEST
    holds(f"FLOPs with a cap until the same best score, {cases}", "without a cap", until, at_most=BAR)
    holds(f"FLOPs with a cap for the same number of trials, {cases}", "without a cap", whole)
