"""First guesses as the engine takes them up: in their order, first of all, and no more than are allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest

from longlag import BadInput, Method, Sizes, Task
from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.grid import Cell, Phases
from longlag.bench.campaign.profile import parse
from longlag.bench.campaign.study import CaseProgram
from longlag.bench.contract.method import MOST_RECIPES
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Case, Outcome, TrialSpec

PLAIN = {"units": 300, "batch_size": 10, "learning_rate": 0.01, "init_scale": 0.1}
"""A setting of the baseline, of more units than it is tuned with."""


class Guesses(Method):
    """Tries 0, 1, 2 ... first."""

    name = "guesses"

    def __init__(self, count: int) -> None:
        self.count = count

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        return [{"rate": float(number)} for number in range(self.count)]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        return {"rate": trial.suggest_float("rate", 0.0, 10.0)}

    def build(self, task: Task, **hyperparameters: Any) -> Any:
        raise NotImplementedError


def tuned(count: int, trials: int = 5, **keys: Any) -> list[TrialSpec]:
    """The tuning trials of a study whose trials all fail alike, with these keys in its profile."""
    case = Case("guesses", "adding", "ms11", 20)
    data = {"name": "p", "methods": ["guesses"], "tasks": [{"task": "adding:ms11"}], "lags": [20]}
    profile = parse({**data, "trials": trials, "batch": 2, "retests": 1, "budget": 1e9, **keys}, "here")
    program = CaseProgram(
        Cell(case, 1e9, Phases(trials, 0, 1)), profile, Guesses(count), discover().task("adding", "ms11", 20)
    ).run()
    specs = []
    batch = next(program)
    while batch[0].phase == "tune":
        specs += batch
        batch = program.send([Outcome("plateau", error=0.5, chance=0.8) for _ in batch])
    return specs


@pytest.mark.parametrize("count", [0, 1, 3])
def test_recipes_come_first_and_count_as_trials(count: int) -> None:
    specs = tuned(count)
    assert len(specs) == 5
    assert [spec.hyperparameters["rate"] for spec in specs[:count]] == list(range(count))
    assert all(spec.hyperparameters["rate"] % 1 for spec in specs[count:])
    assert not any(spec.fault for spec in specs)


@pytest.mark.parametrize("tried", [0, 1, 3])
def test_a_profile_may_try_fewer_recipes(tried: int) -> None:
    rates = [spec.hyperparameters["rate"] for spec in tuned(3, recipes=tried)]
    assert len(rates) == 5
    assert rates[:tried] == list(range(tried))
    assert all(rate % 1 for rate in rates[tried:])


def test_a_profile_cannot_ask_for_more_recipes_than_a_method_may_bring() -> None:
    assert tuned(3, recipes=MOST_RECIPES) == tuned(3)
    with pytest.raises(BadInput, match="key 'recipes'"):
        tuned(3, recipes=MOST_RECIPES + 1)


def test_a_profile_may_bring_a_setting_of_its_own() -> None:
    rates = [spec.hyperparameters["rate"] for spec in tuned(3, setting={"rate": 7.5})]
    assert len(rates) == 5
    assert rates[0] == 7.5
    assert all(rate % 1 for rate in rates[1:])


def test_a_setting_may_lie_beyond_the_range_in_which_it_is_tuned() -> None:
    first, *others = tuned(3, setting={"rate": 70.0})
    assert first.hyperparameters == {"rate": 70.0}
    assert all(0 <= spec.hyperparameters["rate"] <= 10 for spec in others)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"units": 8}, "vanilla asks for"),
        ({**PLAIN, "unitz": 3}, "vanilla asks for no 'unitz'"),
        ({**PLAIN, "units": -3}, "vanilla: "),
        ({**PLAIN, "learning_rate": "fast"}, "vanilla: ValueError: 'fast'"),
    ],
)
def test_what_is_no_setting_of_a_method_is_refused_before_anything_runs(
    setting: dict[str, Any], why: str, tmp_path: Path
) -> None:
    data = {"name": "p", "methods": ["vanilla"], "tasks": ["adding:ms11"], "lags": [20], "setting": setting}
    profile = parse({**data, "trials": 1, "retests": 1, "budget": 1e9}, "here")
    with pytest.raises(BadInput, match=f"setting: {why}") as refused:
        Coordinator(profile, discover(), tmp_path / "c")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "c").exists()


def test_a_whole_setting_is_run(tmp_path: Path, inline: Any, campaign: Any) -> None:
    data = {"name": "p", "methods": ["vanilla"], "tasks": ["adding:ms11"], "lags": [20], "setting": PLAIN}
    profile = parse({**data, "trials": 1, "retests": 1, "budget": 1e6}, "here")
    rows = campaign(profile, tmp_path / "c", inline)
    assert [json.loads(row["hyperparameters"])["units"] for row in rows] == [300, 300]


def test_too_many_recipes_cost_a_trial_and_say_why() -> None:
    faults = [spec.fault for spec in tuned(4)]
    assert "4 recipes: a method may bring 3" in faults[0]
    assert not any(faults[1:])


def raced(
    reruns: int, solves: list[list[bool]], leaders: int = 2, costs: Sequence[float] = ()
) -> tuple[list[list[int]], int]:
    """The settings that were rerun, round by round, and the one retested, by the order of their first runs.

    `solves` says of each run of each setting whether it solves, `costs` what it takes, in 1e7 FLOPs; without
    them a later setting's runs cost more. A rerun takes nine tenths. The first three settings are recipes.
    """
    costs = costs or [1.0 + setting for setting in range(len(solves))]
    case = Case("guesses", "adding", "ms11", 20)
    data = {"name": "p", "methods": ["guesses"], "tasks": [{"task": "adding:ms11"}], "lags": [20]}
    race = {"trials": len(solves), "batch": len(solves), "reruns": reruns, "leaders": leaders}
    profile = parse({**data, **race, "retests": 1, "budget": 1e9}, "here")
    cell = Cell(case, 1e9, Phases.of(profile, len(solves)))
    program = CaseProgram(cell, profile, Guesses(3), discover().task("adding", "ms11", 20)).run()
    runs = [iter(solved) for solved in solves]
    seen, asked, batch = [], [], next(program)
    known = [spec.hyperparameters for spec in batch]
    first: dict[int, float] = {}
    while batch[0].phase == "tune":
        asked.append([known.index(spec.hyperparameters) for spec in batch])
        if seen:
            # Twice what the setting's first solution cost, or else the best so far, and five times that.
            caps = [10 * first.get(setting, min(first.values())) for setting in asked[-1]]
            assert [spec.limits.cap for spec in batch] == pytest.approx(caps)
        flops = [(9e6 if seen else 1e7) * costs[setting] for setting in asked[-1]]
        outcomes = [
            Outcome("solved", flops=cost)
            if next(runs[setting])
            else Outcome("plateau", error=0.5 + setting / 100, chance=0.8)
            for setting, cost in zip(asked[-1], flops, strict=True)
        ]
        seen += batch
        batch = program.send(outcomes)
        for setting, outcome in zip(asked[-1], outcomes, strict=True):
            if outcome.solved:
                first.setdefault(setting, outcome.flops)
    assert [spec.number for spec in seen] == list(range(len(seen)))
    assert len({spec.seed for spec in seen}) == len(seen)
    assert len(seen) + 1 == cell.phases.total
    with pytest.raises(StopIteration) as end:
        program.send([Outcome("plateau", error=0.5, chance=0.8)])
    assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in end.value.value.study.trials)
    (retested,) = batch
    return asked[1:], known.index(retested.hyperparameters)


def test_of_the_two_best_settings_the_surer_is_retested() -> None:
    lucky = [[True, False, False], [True, True, True], [False]]
    assert raced(2, lucky) == ([[0, 1, 0, 1]], 1)
    assert raced(0, lucky) == ([], 0)


def test_a_setting_with_one_lucky_run_cannot_win_over_those_run_again() -> None:
    worse = [[True, False, False], [True, False, False], [True]]
    assert raced(2, worse) == ([[0, 1, 0, 1]], 0)


def test_of_many_settings_the_better_half_is_run_twice_as_often() -> None:
    # The cheapest fails in the first round, the next in the second.
    runs = [[True, False], [True, True, True, False], [True, True, True, True], [True, False], [False]]
    assert raced(1, runs, leaders=4) == ([[0, 1, 2, 3], [1, 2, 1, 2]], 2)
    dearer = [[True] * 4, [True] * 4, [True, True], [True, True]]
    assert raced(1, dearer, leaders=4) == ([[0, 1, 2, 3], [0, 1, 0, 1]], 0)


def test_a_recipe_that_solved_is_run_again_however_dear_and_wins_by_solving_always() -> None:
    none, once, always = [False], [True, False, True], [True] * 3
    costs = [50.0, 9.0, 9.0, 1.0, 2.0]
    assert raced(2, [always, none, none, once, once], costs=costs) == ([[3, 0, 3, 0]], 0)
    # Where both always solve, the cheaper one; where it did not solve, it has no place.
    assert raced(2, [always, none, none, always, once], costs=costs) == ([[3, 0, 3, 0]], 3)
    assert raced(2, [none, none, none, once, always], costs=costs) == ([[3, 4, 3, 4]], 4)


def test_a_setting_that_solves_more_often_is_better_at_any_cost() -> None:
    # Near the budget of 1e9 a solution scores almost what a failure does.
    none, sure, cheap = [False], [True] * 4, [True, True, True, False]
    assert raced(3, [none, none, none, cheap, sure], costs=[1, 1, 1, 1, 95])[1] == 4


def test_a_setting_that_is_run_no_more_wins_over_those_that_fail_then() -> None:
    halves = [[0, 1, 2, 3] * 2, [0, 1] * 4]
    fails_once = [True] * 6 + [False]
    assert raced(2, [fails_once, fails_once, [True] * 3, [True] * 3], leaders=4) == (halves, 2)
    assert raced(2, [fails_once, [True] * 7, [True] * 3, [True] * 3], leaders=4) == (halves, 1)


def test_a_setting_that_never_solved_does_not_win_over_one_that_did() -> None:
    once, never = [True] + [False] * 12, [False] * 13
    assert raced(4, [once, never, never, never], leaders=4)[1] == 0


def test_with_fewer_settings_than_leaders_all_are_run_again() -> None:
    assert raced(2, [[True] * 3, [True] * 3, [False] * 3], leaders=8) == ([[0, 1, 2, 0, 1, 2]], 0)
