from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longlag import BadInput
from longlag.bench.campaign.grid import cells, ladders
from longlag.bench.campaign.profile import parse
from longlag.bench.campaign.rules import midway, rungs
from longlag.bench.contract.task import Lags
from longlag.bench.plugins.registry import discover

CLIMB: dict[str, Any] = {
    "name": "mine",
    "methods": ["vanilla"],
    "tasks": [{"task": "adding:ms11"}],
    "lags": "climb:10..100",
    "trials": 2,
    "retests": 1,
    "budget": {"at": 10, "flops": 1e8},
}


def test_a_climb_goes_up_the_round_numbers() -> None:
    everything = Lags()
    assert rungs("climb", everything) == [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
    assert rungs("climb", Lags(51, 3000)) == [100, 200, 500, 1000, 2000]
    assert rungs("climb:1..20", everything) == [1, 2, 5, 10, 20]
    assert rungs("climb:15..300", everything) == [15, 20, 50, 100, 200, 300]
    assert rungs("climb:50000..200000", everything) == [50_000, 100_000, 200_000]


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_rung_between_lies_between(a: int, b: int) -> None:
    bridged, failed = sorted((a, b))
    between = midway(bridged, failed)
    assert (failed - bridged < 2) if between is None else (bridged < between < failed)


def test_the_budget_of_a_rung_follows_its_rule() -> None:
    def budgets(rule: Any) -> list[float]:
        profile = parse({**CLIMB, "budget": rule}, "here")
        return [cell.budget for cell in cells(ladders(profile, discover())[0])]

    assert budgets({"at": 10, "flops": 1e8}) == pytest.approx([1e8, 2e8, 5e8, 1e9])
    assert budgets({"at": 20, "flops": 1e8, "grows": "lag^2"}) == pytest.approx([25e6, 1e8, 625e6, 25e8])
    assert budgets({"at": 10, "flops": 1e8, "grows": 0.5})[-1] == pytest.approx(1e8 * 10**0.5)
    assert budgets(1e8) == [1e8] * 4


def test_rungs_of_a_range_that_a_task_cannot_make_are_left_out_and_told():
    grid, skipped = ladders(parse({**CLIMB, "lags": "climb:5..50"}, "here"), discover())
    assert [ladder.lags for ladder in grid] == [(10, 20, 50)]
    assert skipped == {"adding:ms11 at lag 5": "it makes lags of 10 and more"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"lags": "climb:10..10"}, "key 'lags': a climb has two rungs at least"),
        ({"lags": "climb:100..10"}, "key 'lags': a climb goes up: climb:10..100, not 'climb:100..10'"),
        ({"lags": "climb:0..10"}, "key 'lags': a climb begins at a lag of 1 or more"),
        ({"lags": "climbs"}, "key 'lags': lags are a list of numbers, climb, or climb:FIRST..LAST"),
        ({"lags": "climb:1..9"}, "no climb on adding:ms11, which makes lags of 10 and more"),
        ({"lags": []}, "key 'lags': list should have at least 1 item"),
        ({"lags": [True]}, "key 'lags.0': input should be a valid integer, not True"),
        (
            {"budget": {"at": 10, "flops": 1e300, "grows": 9.0}},
            "the budget's rule gives inf FLOPs at lag 100",
        ),
        (
            {"budget": {"at": 10, "flops": 1e8, "grow": 1.0}},
            "unknown key 'budget.grow': did you mean 'grows'?",
        ),
        ({"budget": {"at": 10, "flops": 1e8, "grows": "lags"}}, "key 'budget.grows': input should be 'lag'"),
        ({"budget": {"at": 10}}, "key 'budget.flops' is missing"),
        (
            {"tasks": [{"task": "adding:ms11"}, {"task": "adding:ms11", "lags": [35]}]},
            "vanilla on adding:ms11 both climbs and has lags of its own",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput) as error:
        ladders(parse({**CLIMB, **changes}, "here"), discover())
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_controls_certify_every_task_variant_of_a_profile() -> None:
    asked = {"lags": [10, 20], "trials": 1, "retests": 3, "budget": 1e6}
    tasks = [{"task": "adding:ms11"}, {"task": "timer:start", "lags": [50]}]
    grid, skipped = ladders(parse({**CLIMB, "tasks": tasks, "controls": asked}, "here"), discover())
    controls = {(c.method, c.task, c.variant, c.lags[0]): c for c in grid if c.certifies}
    guards = ("random_guessing", "window")
    assert set(controls) == {
        *((method, "adding", "ms11", lag) for method in guards for lag in (10, 20)),
        *((method, "timer", "start", 20) for method in guards),  # which makes no lag of 10
        ("vanilla", "adding", "ms11_twin", 20),  # at 10 the keys are near as it is
    }
    assert set(skipped) == {
        "vanilla on timer:start_twin at lag 20",
        "vanilla on adding:ms11_twin at lag 10",
        "controls of timer:start at lag 10",
    }
    window = controls["window", "adding", "ms11", 20]
    assert (window.phases, window.budget) == ((1, 0, 3), 1e6)
    twin = controls["vanilla", "adding", "ms11_twin", 20]
    assert (twin.phases, twin.cell(20).budget) == ((1, 0, 3), pytest.approx(2e8))
    assert not any(c.climbs for c in controls.values())


def test_a_twin_can_be_climbed_and_has_no_controls_of_its_own() -> None:
    tasks = [{"task": "xor:ms11_twin"}]
    changes = {"tasks": tasks, "lags": "climb", "controls": {"lags": [20]}}
    grid, _ = ladders(parse({**CLIMB, **changes}, "here"), discover())
    assert [(ladder.variant, ladder.lags[0]) for ladder in grid] == [("ms11_twin", 20)]
