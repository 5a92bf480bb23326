"""The plan: what is timed, and the times that follow from it."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from rich.console import Console

from longlag.bench.campaign import planning
from longlag.bench.campaign.profile import Profile
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Outcome, TrialSpec
from tests.bench.conftest import Inline


class Paced(Inline):
    """An executor whose trials make as many thousand FLOPs a second as their lag."""

    slots = 2

    def __init__(self) -> None:
        self.lags: list[int] = []

    def submit(self, spec: TrialSpec) -> Future[Any]:
        self.lags.append(spec.case.lag)
        ends = [{"flops": 0.0, "seconds": 0.0}, {"flops": 1e3 * spec.case.lag, "seconds": 1.0}]
        future: Future[Any] = Future()
        future.set_result(Outcome("plateau", curve=ends))
        return future


def test_the_lags_between_are_not_timed_but_computed(make_profile: Callable[..., Profile]) -> None:
    profile = make_profile(lags=[1, 10, 100], trials=6, retests=2, budget=1e4, cap=2.0)
    executor, console = Paced(), Console(file=io.StringIO(), width=120)
    planning.show(console, profile, discover(tuple(profile.plugins)), executor)
    assert sorted(executor.lags) == [1, 100]
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "3 cases, 24 trials (tuning 18, retests 6): at most 240000 FLOPs" in printed
    # 8 trials of 1e4 FLOPs at 1e3, 1e4 and 1e5 a second; early, 3 of 5% and 5 of 10% of that.
    assert "from 4 s if every case is solved early, in 5% of its budget, to 44 s if none is" in printed


def test_a_climb_takes_least_where_it_ends_soonest(make_profile: Callable[..., Profile]) -> None:
    """Not at its first rung, where FLOPs are slow and a failure takes the whole budget."""
    profile = make_profile(lags="climb:1..100", trials=6, retests=2, budget=1e4, cap=2.0)
    console = Console(file=io.StringIO(), width=120)
    planning.show(console, profile, discover(tuple(profile.plugins)), Paced())
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    # A budget takes 10 s / lag; eight trials that fail 80 s / lag, and early ones 6.5 s / lag.
    assert "1-100" in printed
    assert "time on 2 workers: 6 s if every climb ends where that takes least; 10 s if each holds" in printed
    assert "; 1 min if all hold to the last rung, at the last moment" in printed
