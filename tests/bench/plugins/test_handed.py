"""What plugins hand over costs its trial where it cannot be stored, and never the campaign."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from longlag import Method, Sizes, Task
from longlag.bench.campaign.grid import Cell, Phases
from longlag.bench.campaign.profile import parse
from longlag.bench.campaign.study import CaseProgram
from longlag.bench.plugins.registry import discover
from longlag.bench.store.studies import Studies, storage_of
from longlag.bench.trial.spec import Case, Outcome, TrialSpec

Suggest = Callable[[Any], dict[str, Any]]


class Odd(Method):
    """Suggests and guesses what it is told to."""

    name = "odd"

    def __init__(self, suggest: Suggest, guesses: list[Any]) -> None:
        self.how = suggest
        self.guesses = guesses

    def recipes(self, sizes: Sizes) -> list[Any]:
        return self.guesses

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        return self.how(trial)

    def build(self, task: Task, **hyperparameters: Any) -> Any:
        raise NotImplementedError


def tuned(folder: Path, suggest: Suggest, *guesses: Any) -> list[TrialSpec]:
    """The tuning trials of a study, which is stored."""
    data = {"name": "p", "methods": ["odd"], "tasks": [{"task": "adding:ms11"}], "lags": [20]}
    profile = parse({**data, "trials": 4, "batch": 4, "retests": 1, "budget": 1e9}, "here")
    cell = Cell(Case("odd", "adding", "ms11", 20), 1e9, Phases(4, 0, 1))
    task = discover().task("adding", "ms11", 20)
    program = CaseProgram(cell, profile, Odd(suggest, list(guesses)), task).run()
    specs = batch = next(program)
    try:
        while True:
            status = [Outcome("crashed" if s.fault else "plateau", error=0.5, chance=0.8) for s in batch]
            batch = program.send(status)
    except StopIteration as end:
        Studies(folder / "studies.log").add(end.value.study)
    for spec in specs:
        assert len(spec.run_id) == 16
    return specs


def test_numpy_numbers_are_numbers(tmp_path: Path) -> None:
    def suggest(trial: Any) -> dict[str, Any]:
        trial.set_user_attr("size", np.int32(3))
        units = trial.suggest_int("units", np.int64(1), np.int64(9))
        chosen = trial.suggest_categorical("batch", np.array([10, 20]))
        return {"units": np.int64(units), "batch": chosen, "rate": np.float32(0.5)}

    specs = tuned(tmp_path, suggest, {"units": np.int64(5), "batch": np.int64(20)})
    assert not any(spec.fault for spec in specs)
    assert specs[0].hyperparameters == {"units": 5, "batch": 20, "rate": 0.5}
    assert json.loads(json.dumps(specs[0].hyperparameters)) == specs[0].hyperparameters


@pytest.mark.parametrize(
    ("suggest", "reason"),
    [
        (
            lambda trial: {"f": trial.suggest_categorical("f", [np.tanh, np.sin])},
            "a choice of 'f' is no JSON",
        ),
        (lambda trial: trial.set_user_attr("f", np.tanh) or {}, "attribute 'f' is no JSON value"),
        (lambda trial: {"\ud800": trial.suggest_float("\ud800", 0, 1)}, "is no name"),
        (lambda _: {"f": "\ud800"}, "'f' in the suggestion of"),
        (lambda _: {3: 1}, "3 is no name"),
    ],
)
def test_what_cannot_be_stored_costs_its_trial(tmp_path: Path, suggest: Suggest, reason: str) -> None:
    for spec in tuned(tmp_path, suggest):
        assert reason in spec.fault
        spec.fault.encode()


def test_a_bound_that_cannot_be_stored_is_blamed_on_the_plugin(tmp_path: Path) -> None:
    fault = tuned(tmp_path, lambda trial: {"f": trial.suggest_float("f", np.tanh, 1)})[0].fault
    assert fault.startswith("ValueError: a bound of 'f' is no JSON value")
    assert f" at {Path(__file__).name}:" in fault


def test_a_recipe_that_cannot_be_stored_costs_its_own_trial(tmp_path: Path) -> None:
    guesses = ({"rate": 0.5}, {"rate": np.tanh}, {"rate": 0.25})
    specs = tuned(tmp_path, lambda trial: {"rate": trial.suggest_float("rate", 0, 1)}, *guesses)
    assert [bool(spec.fault) for spec in specs] == [False, True, False, False]
    assert "'rate' in a recipe of odd is no JSON value" in specs[1].fault
    assert [specs[0].hyperparameters, specs[2].hyperparameters] == [{"rate": 0.5}, {"rate": 0.25}]


def test_a_key_of_a_recipe_that_nothing_asks_for_is_named(tmp_path: Path) -> None:
    guesses = ({"rate": 0.5, "raet": 0.1}, {"rate": 0.5})
    specs = tuned(tmp_path, lambda trial: {"rate": trial.suggest_float("rate", 0, 1)}, *guesses)
    assert specs[0].fault == "the recipe sets 'raet', which no suggestion asked for"
    assert not specs[1].fault


def test_a_remedy_s_unknown_key_is_named(
    tmp_path: Path, make_profile: Callable[..., Any], campaign: Callable[..., Any], inline: Any, trials: Any
) -> None:
    plugin = tmp_path / "typo.py"
    plugin.write_text(
        "from longlag import Remedy\n"
        "class Typo(Remedy):\n"
        "    name = 'typo'\n"
        "    changes = 'gradient'\n"
        "    def recipes(self, sizes): return [{'scael': 1.0}]\n"
        "    def suggest(self, trial, task): return {'scale': trial.suggest_float('scale', 0, 1)}\n"
        "    def apply(self, recipe, *, scale): return recipe.replace(gradient=None)\n"
    )
    grid: dict[str, Any] = {"methods": ["typo"], "tasks": [{"task": "adding:ms11"}], "lags": [20]}
    profile = make_profile(**grid, plugins=[str(plugin)], trials=2, batch=2, retests=1)
    campaign(profile, tmp_path / "c", inline)
    rows: pd.DataFrame = trials(tmp_path / "c")
    tune = rows[rows.phase == "tune"].sort_values("trial")
    assert "the recipe sets 'scael'" in tune.detail.iloc[0]
    assert tune.status.iloc[1] != "crashed", tune.detail.iloc[1]


def test_true_and_one_are_two_choices(tmp_path: Path) -> None:
    def suggest(trial: Any) -> dict[str, Any]:
        return {"how": trial.suggest_categorical("how", [True, 1, 1.0, "1"])}

    specs = tuned(tmp_path, suggest, {"how": 1}, {"how": "1"}, {"how": True})
    assert not any(spec.fault for spec in specs)
    assert [repr(spec.hyperparameters["how"]) for spec in specs[:3]] == ["1", "'1'", "True"]
    stored = optuna.load_study(study_name="odd/adding:ms11/20", storage=storage_of(tmp_path / "studies.log"))
    assert [trial.params["how"] for trial in stored.trials[:3]] == ["1", '"1"', "true"]
