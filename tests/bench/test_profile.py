from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import BadInput
from bench.profile import available, cases, parse, read
from bench.registry import discover

MINIMAL: dict[str, Any] = {
    "name": "mine",
    "methods": ["vanilla"],
    "tasks": [{"task": "adding"}],
    "lags": [20],
    "trials": 2,
    "retests": 1,
    "budget": 1e9,
}


@pytest.mark.parametrize("name", sorted(available()))
def test_every_profile_that_comes_with_the_project_makes_a_grid(name: str) -> None:
    grid, _ = cases(read(name), discover())
    assert grid


def test_the_grid_is_the_product_with_the_longest_lags_first() -> None:
    data = MINIMAL | {
        "methods": ["vanilla", "lstm+gradient_clipping"],
        "tasks": [{"task": "adding:ms11"}, {"task": "timer", "lags": [200]}],
        "lags": [20, 50],
    }
    grid, skipped = cases(parse(data, "here"), discover())
    assert len(grid) == 2 * (2 + 1)
    assert [case.lag for case in grid] == sorted((case.lag for case in grid), reverse=True)
    assert {case.method for case in grid} == {"vanilla", "lstm+gradient_clipping"}
    assert skipped == {}


def test_a_task_may_have_a_budget_of_its_own() -> None:
    tasks = [{"task": "adding", "budget": 5e9}, {"task": "timer"}]
    profile = parse(MINIMAL | {"tasks": tasks, "lags": [100]}, "here")
    grid, _ = cases(profile, discover())
    assert {case.task: profile.case_budget(case) for case in grid} == {"adding": 5e9, "timer": 1e9}


def test_a_task_may_have_methods_and_trials_of_its_own() -> None:
    tasks = [
        {"task": "adding", "methods": ["lstm"], "lags": [50], "trials": 2, "budget": 5e9},
        {"task": "adding", "methods": ["vanilla"], "lags": [50, 100], "trials": 7},
        {"task": "timer", "lags": [100]},
    ]
    profile = parse(MINIMAL | {"tasks": tasks, "methods": ["echo_state"], "trials": 4}, "here")
    grid, _ = cases(profile, discover())
    found = {(c.method, c.task, c.lag): (profile.case_trials(c), profile.case_budget(c)) for c in grid}
    assert found == {
        ("lstm", "adding", 50): (2, 5e9),
        ("vanilla", "adding", 50): (7, 1e9),
        ("vanilla", "adding", 100): (7, 1e9),
        ("echo_state", "timer", 100): (4, 1e9),
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"trails": 3}, r"unknown key 'trails': did you mean 'trials'"),
        ({"trials": 0}, r"key 'trials'.*greater than or equal to 1.*not 0"),
        ({"trials": "many"}, r"key 'trials'.*not 'many'"),
        ({"budget": float("nan")}, r"key 'budget'"),
        ({"budget": -1}, r"key 'budget'.*greater than 0"),
        ({"seed": -1}, r"key 'seed'"),
        ({"methods": []}, r"key 'methods'"),
        ({"checks": {"validate": 3}}, r"unknown key 'checks.validate': did you mean 'validation'"),
        ({"tasks": [{"task": "adding", "lag": 3}]}, r"unknown key 'tasks.0.lag': did you mean 'lags'"),
        ({"name": "../escape"}, r"key 'name'"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as caught:
        parse(MINIMAL | change, "my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named() -> None:
    data = dict(MINIMAL)
    del data["budget"]
    with pytest.raises(BadInput, match="key 'budget' is missing"):
        parse(data, "my.toml")


def test_a_case_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="stands in it twice"):
        cases(parse(MINIMAL | {"tasks": [{"task": "adding"}, {"task": "adding:hs97"}]}, "here"), discover())


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("name = ")
    with pytest.raises(BadInput, match=r"x\.toml: not valid TOML"):
        read(str(path))


def test_an_unknown_profile_gets_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean 'quick'"):
        read("quik")
