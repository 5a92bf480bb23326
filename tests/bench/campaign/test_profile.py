from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from longlag import BadInput
from longlag.bench.campaign.grid import cells, ladders
from longlag.bench.campaign.profile import available, parse, read
from longlag.bench.plugins.registry import discover

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
    grid, _ = ladders(read(name), discover())
    assert grid


def test_the_grid_is_the_product_with_the_longest_lags_first() -> None:
    data = MINIMAL | {
        "methods": ["vanilla", "lstm+gradient_clipping"],
        "tasks": [{"task": "adding:ms11"}, {"task": "timer", "lags": [200]}],
        "lags": [20, 50],
    }
    found, skipped = ladders(parse(data, "here"), discover())
    grid = cells(found)
    assert len(grid) == 2 * (2 + 1)
    assert [cell.case.lag for cell in grid] == sorted((cell.case.lag for cell in grid), reverse=True)
    assert {cell.case.method for cell in grid} == {"vanilla", "lstm+gradient_clipping"}
    assert skipped == {}


def test_a_tasks_name_alone_is_an_entry() -> None:
    named, written = (parse(MINIMAL | {"tasks": [each]}, "here") for each in ("adding", {"task": "adding"}))
    assert named == written


def test_a_task_may_have_a_budget_of_its_own() -> None:
    tasks = [{"task": "adding", "budget": 5e9}, {"task": "timer"}]
    profile = parse(MINIMAL | {"tasks": tasks, "lags": [100]}, "here")
    grid = cells(ladders(profile, discover())[0])
    assert {cell.case.task: cell.budget for cell in grid} == {"adding": 5e9, "timer": 1e9}


def test_a_task_may_have_methods_and_trials_of_its_own() -> None:
    tasks = [
        {"task": "adding", "methods": ["lstm"], "lags": [50], "trials": 2, "budget": 5e9},
        {"task": "adding", "methods": ["vanilla"], "lags": [50, 100], "trials": 7},
        {"task": "timer", "lags": [100]},
    ]
    profile = parse(MINIMAL | {"tasks": tasks, "methods": ["echo_state"], "trials": 4}, "here")
    grid = cells(ladders(profile, discover())[0])
    found = {(c.case.method, c.case.task, c.case.lag): (c.phases.tuning, c.budget) for c in grid}
    assert found == {
        ("lstm", "adding", 50): (2, 5e9),
        ("vanilla", "adding", 50): (7, 1e9),
        ("vanilla", "adding", 100): (7, 1e9),
        ("echo_state", "timer", 100): (4, 1e9),
    }


def test_an_entry_without_a_variant_speaks_of_the_default_alone() -> None:
    tasks = [
        {"task": "adding", "budget": 2.0, "trials": 3},
        {"task": "adding:ms11", "budget": 9.0, "lags": [20]},
        {"task": "adding:ms11", "budget": 7.0, "lags": [50]},
    ]
    grid = cells(ladders(parse(MINIMAL | {"tasks": tasks}, "here"), discover())[0])
    found = {(cell.case.variant, cell.case.lag): (cell.budget, cell.phases.tuning) for cell in grid}
    assert found == {("hs97", 20): (2.0, 3), ("ms11", 20): (9.0, 2), ("ms11", 50): (7.0, 2)}


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
        ({"lags": [True]}, r"key 'lags.0'.*not True"),
        ({"trials": "3"}, r"key 'trials'.*not '3'"),
        ({"trials": 3.0}, r"key 'trials'.*not 3.0"),
        ({"budget": "1e9"}, r"key 'budget'.*not '1e9'"),
        ({"budget": True}, r"key 'budget'.*not True"),
        ({"setting": {"units": 8}, "controls": {"lags": [20]}}, r"toml: controls are methods.* either$"),
        ({"lags": [-5]}, r"key 'lags.0'.*greater than or equal to 1.*not -5"),
        ({"lags": [10**20]}, r"key 'lags.0'.*less than 9223372036854775808"),
        ({"tasks": [{"task": "adding", "lags": [10**20]}]}, r"key 'tasks.0.lags.0'.*less than"),
        ({"seed": 2**63}, r"key 'seed'.*less than"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as caught:
        parse(MINIMAL | change, "my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert "\n" not in str(caught.value)


def test_a_whole_number_serves_where_a_fraction_may_stand() -> None:
    assert parse(MINIMAL | {"budget": 10, "cap": 2, "memory": 1}, "here").budget == 10.0


def test_a_missing_key_is_named() -> None:
    data = dict(MINIMAL)
    del data["budget"]
    with pytest.raises(BadInput, match="key 'budget' is missing"):
        parse(data, "my.toml")


def test_a_misspelt_key_is_named_before_the_one_that_it_leaves_missing() -> None:
    data = {**MINIMAL, "trails": MINIMAL["trials"]}
    del data["trials"]
    with pytest.raises(BadInput, match="unknown key 'trails': did you mean 'trials'"):
        parse(data, "my.toml")


def test_a_case_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="stands in it twice"):
        ladders(parse(MINIMAL | {"tasks": [{"task": "adding"}, {"task": "adding:hs97"}]}, "here"), discover())


def test_remedies_in_another_order_are_the_same_case() -> None:
    data = MINIMAL | {"methods": ["lstm+gradient_clipping", "gradient_clipping+lstm"]}
    with pytest.raises(BadInput, match=r"gradient_clipping\+lstm .* twice, also as lstm\+gradient_clipping"):
        ladders(parse(data, "here"), discover())


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("name = ")
    with pytest.raises(BadInput, match=r"x\.toml: not valid TOML"):
        read(str(path))


def test_a_file_is_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    text = 'description = "größer"\nmethods = ["vanilla"]\ntasks = [{ task = "adding" }]\n'
    text += "lags = [20]\ntrials = 1\nretests = 1\nbudget = 10\n"
    path.write_text(text, encoding="utf-8-sig")
    assert read(str(path)).description == "größer"
    command = (
        f"from longlag.bench.campaign.profile import read; print(ascii(read({str(path)!r}).description))"
    )
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True)
    assert run.stdout == "'gr\\xf6\\xdfer'\n", run.stderr


def test_an_unknown_profile_gets_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean 'quick'"):
        read("quik")


def test_a_cell_is_asked_what_the_methods_of_quick_are_within_the_same_flops() -> None:
    """So that its frontier can stand beside theirs; only trials and updates are fewer."""
    cell, quick = read("cell"), read("quick")
    for key in ("tasks", "lags", "controls", "budget", "retests", "retests_unsolved", "checks"):
        assert getattr(cell, key) == getattr(quick, key), key
    assert cell.trials < quick.trials
    assert cell.updates is not None
    assert quick.updates is None
