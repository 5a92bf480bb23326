"""What it costs to look into a net while it trains: the share of a trial's time that the probes take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from longlag.bench.plugins.registry import discover
from longlag.bench.trial.probing import Prober
from longlag.bench.trial.spec import Case, Checks, Limits, TrialSpec
from longlag.bench.trial.trial import run

REGISTRY = discover()
CASES = [("vanilla", 50), ("careful_init", 100), ("gradient_clipping", 100), ("lstm", 100)]
UPDATES, ROUNDS, BAR = 2000, 9, 0.02


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("method", "lag"), CASES)
def test_probes_while_a_trial_trains(
    method: str, lag: int, holds: Callable[..., None], timed: bool, benchmark: Any, monkeypatch: Any
) -> None:
    setting = dict(REGISTRY.method(method).recipes(REGISTRY.task("adding", "ms11", lag).sizes)[0])
    limits = Limits(1e18, updates=UPDATES if timed else 200)
    spec = TrialSpec(Case(method, "adding", "ms11", lag), "tune", 0, 1, setting, limits, Checks(50, 50, 50))
    plain, looking = Prober.updated, []

    def clocked(*told: Any) -> bool:
        began = time.process_time()
        ends = plain(*told)
        looking.append(time.process_time() - began)
        return ends

    monkeypatch.setattr(Prober, "updated", clocked)
    shares = []

    def once() -> None:
        looking.clear()
        began = time.process_time()
        outcome = run(spec, REGISTRY)
        shares.append(sum(looking) / (time.process_time() - began))
        assert [row for row in outcome.probes if row["moment"] == "during"] or not timed

    benchmark.pedantic(once, rounds=ROUNDS if timed else 1, warmup_rounds=1 if timed else 0)
    holds(f"probes while a trial trains: {method}, lag {lag}", "the trial", shares, at_most=BAR)
