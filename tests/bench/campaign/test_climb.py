"""Which rungs a climb tries, with which settings first: decided by outcomes that the tests make up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
import pytest

from longlag import Method, Sizes, Task
from longlag.bench.campaign.climb import climb
from longlag.bench.campaign.grid import Cell, Ladder, ladders
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.campaign.study import Carried, CaseProgram
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Outcome, TrialSpec

Judge = Callable[[TrialSpec], bool]


class Scaling(Method):
    """Its first recipe's rate falls with the lag, its second stays."""

    name = "scaling"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        return [{"rate": 1 / sizes.lag, "kind": "falls"}, {"rate": 0.3, "kind": "stays"}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        kind = trial.suggest_categorical("kind", ["falls", "stays"])
        return {"kind": kind, "rate": trial.suggest_float("rate", 1e-4, 1.0, log=True)}

    def build(self, task: Task, **hyperparameters: Any) -> Any:
        raise NotImplementedError


def profile(**changes: Any) -> Profile:
    data = {"name": "p", "methods": ["vanilla"], "tasks": [{"task": "adding:ms11"}], "lags": "climb:10..100"}
    sizes = {"trials": 3, "batch": 1, "startup": 1, "reruns": 1, "retests": 10, "budget": 1e9}
    return parse({**data, **sizes, **changes}, "here")


def climbed(solves: Judge, **changes: Any) -> list[TrialSpec]:
    """Every trial of a climb whose trials solve their task where `solves` says so."""
    chosen = profile(**changes)
    found: Ladder = ladders(chosen, discover())[0][0]

    def setup(cell: Cell, rung: int, below: Carried | None) -> CaseProgram:
        task = discover().task("adding", "ms11", cell.case.lag)
        return CaseProgram(cell, chosen, Scaling(), task, rung, below)

    program = climb(found, chosen.bisect, setup)
    trials: list[TrialSpec] = []
    batch = next(program)
    while True:
        trials += batch
        outcomes = [
            Outcome("solved", flops=1e8 * (1 + spec.hyperparameters["rate"]), error=0.0, chance=0.8)
            if solves(spec)
            else Outcome("plateau", flops=1e9, error=0.8, chance=0.8)
            for spec in batch
        ]
        try:
            batch = program.send(outcomes)
        except StopIteration:
            return trials


def tried(trials: list[TrialSpec]) -> list[int]:
    """The lags in the order in which they were tried."""
    return list(dict.fromkeys(spec.case.lag for spec in trials))


def test_a_climb_ends_at_the_first_rung_that_does_not_hold() -> None:
    assert tried(climbed(lambda spec: spec.case.lag < 30)) == [10, 20, 50]
    assert tried(climbed(lambda _: False)) == [10]
    assert tried(climbed(lambda _: True)) == [10, 20, 50, 100]


def test_then_one_rung_is_tried_between() -> None:
    trials = climbed(lambda spec: spec.case.lag < 30, bisect=True)
    assert tried(trials) == [10, 20, 50, 35]
    assert [spec.rung for spec in trials if spec.phase == "retest"][::10] == [1, 2, 3, 4]
    assert tried(climbed(lambda _: False, bisect=True)) == [10]
    assert tried(climbed(lambda _: True, bisect=True)) == [10, 20, 50, 100]


def test_nine_retests_of_ten_hold_and_eight_do_not() -> None:
    def but(lost: int) -> Judge:
        return lambda spec: spec.phase == "tune" or spec.case.lag != 20 or spec.number >= lost

    assert tried(climbed(but(1))) == [10, 20, 50, 100]
    assert tried(climbed(but(2))) == [10, 20]


def test_the_best_setting_is_carried_up_and_scaled_as_its_recipe() -> None:
    # The rate of the first recipe solves cheaper, and is carried: that recipe at the longer lag.
    trials = climbed(lambda _: True, trials=2)
    first = {spec.case.lag: spec for spec in trials if spec.phase == "tune" and spec.number == 0}
    assert [first[lag].carried_from for lag in (10, 20, 50, 100)] == [0, 10, 20, 50]
    for lag in (20, 50, 100):
        assert first[lag].hyperparameters == {"kind": "falls", "rate": 1 / lag}
    # A recipe that equals what is carried is not tried twice; the other is, and then the sampler's.
    seconds = [s for s in trials if s.phase == "tune" and s.number == 1 and s.case.lag > 10]
    assert all(spec.hyperparameters == {"kind": "stays", "rate": 0.3} for spec in seconds)
    assert all(spec.carried_from == 0 for spec in seconds)


def test_a_setting_that_is_no_recipe_is_scaled_by_the_nearest() -> None:
    def only_sampled(spec: TrialSpec) -> bool:
        return spec.hyperparameters["rate"] not in (0.3, 1 / spec.case.lag)

    trials = climbed(only_sampled, trials=6, reruns=0)
    best = next(spec for spec in trials if spec.case.lag == 10 and spec.phase == "retest").hyperparameters
    carried = next(spec for spec in trials if spec.case.lag == 20).hyperparameters
    factor = 0.5 if best["kind"] == "falls" else 1.0
    assert carried["kind"] == best["kind"]
    assert carried["rate"] == pytest.approx(max(factor * best["rate"], 1e-4))


def test_a_rung_that_nothing_solved_is_not_paid_for_in_full() -> None:
    trials = climbed(lambda spec: spec.case.lag < 30, retests_unsolved=2)
    phases = [(spec.case.lag, spec.phase) for spec in trials]
    assert phases.count((20, "retest")) == 10
    assert phases.count((20, "tune")) == 3 + 2
    assert phases.count((50, "retest")) == 2
    assert phases.count((50, "tune")) == 3


def test_a_rung_holds_only_by_all_its_retests() -> None:
    trials = climbed(lambda spec: spec.phase == "retest" or spec.case.lag == 10, retests_unsolved=2)
    assert tried(trials) == [10, 20, 50, 100]
    assert all(
        sum(spec.phase == "retest" and spec.case.lag == lag for spec in trials) == 10
        for lag in (10, 20, 50, 100)
    )


def test_nothing_is_bridged_by_fewer_retests_than_are_asked_for() -> None:
    """Nine of the first ten would do, were there no others."""

    def solves(spec: TrialSpec) -> bool:
        return spec.phase == "retest" and spec.number != 0 and spec.number < 10

    trials = climbed(solves, retests=20, retests_unsolved=10)
    assert tried(trials) == [10]
    assert sum(spec.phase == "retest" for spec in trials) == 20


class Widening(Scaling):
    """Its rate may be as large as the lag, and its recipe is half of that."""

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        return [{"rate": sizes.lag / 2}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        return {"rate": trial.suggest_float("rate", 1e-4, float(task.lag))}


def test_what_is_carried_may_be_as_large_as_the_longer_lag_allows() -> None:
    chosen = profile(lags=[20])
    (cell,) = (ladder.cell(20) for ladder in ladders(chosen, discover())[0])
    ranges = {"rate": optuna.distributions.FloatDistribution(1e-4, 10.0)}
    below = Carried(10, {"rate": 7.0}, ranges, [{"rate": 5.0}])
    task = discover().task("adding", "ms11", 20)
    first = next(CaseProgram(cell, chosen, Widening(), task, 2, below).run())[0]
    assert first.carried_from == 10
    assert first.hyperparameters == {"rate": 14.0}


def test_run_ids_do_not_depend_on_the_way_to_a_case() -> None:
    """A setting on a seed is the same run, whether its lag was given or climbed to."""
    given = climbed(lambda _: True, lags=[10])
    assert [spec.run_id for spec in climbed(lambda _: False)][:1] == [given[0].run_id]
    assert {spec.rung for spec in given} == {0}


def test_a_rerun_may_take_ten_times_what_its_own_setting_took() -> None:
    trials = climbed(lambda _: True, lags=[10])
    tuned = [spec for spec in trials if spec.phase == "tune"]
    took = [1e8 * (1 + spec.hyperparameters["rate"]) for spec in tuned[3:]]
    assert len(set(took)) == 2
    assert [spec.limits.cap for spec in tuned[3:]] == pytest.approx([5 * 2 * each for each in took])
    assert all(spec.limits.cap is None for spec in climbed(lambda _: False, lags=[10])[3:5])
