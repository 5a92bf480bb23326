"""A trial: its budget, its checks, its determinism, and the names of its failures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import pytorch_lightning as pl

from longlag.bench.plugins.registry import Registry, discover
from longlag.bench.trial.spec import Case, Checks, Limits, Outcome, TrialSpec
from longlag.bench.trial.trial import run

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

QUICK = Checks(validation=100, confirmation=200, test=300)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover()


def spec(method: str, task: str, lag: int, budget: float, **hyperparameters: Any) -> TrialSpec:
    name, _, variant = task.partition(":")
    return TrialSpec(Case(method, name, variant, lag), "tune", 0, 7, hyperparameters, Limits(budget), QUICK)


def vanilla(lag: int, budget: float, **change: Any) -> TrialSpec:
    settings = {"units": 16, "batch_size": 10, "learning_rate": 0.01, "init_scale": 0.1} | change
    return spec("vanilla", "adding:ms11", lag, budget, **settings)


def orthogonal(lag: int, budget: float, learning_rate: float) -> TrialSpec:
    settings = {
        "units": 16,
        "batch_size": 10,
        "recurrent_weights": "orthogonal",
        "spectral_radius": 1.0,
        "input_scale": 0.1,
        "readout_scale": 0.1,
        "centred": True,
        "hold_biases": False,
        "learning_rate": learning_rate,
        "friction": 0.1,
        "early_updates": 1,
        "gradual": False,
    }
    return spec("careful_init", "adding:ms11", lag, budget, **settings)


def lstm(lag: int, budget: float) -> TrialSpec:
    settings = {
        "units": 8,
        "batch_size": 20,
        "init_scale": 0.1,
        "keep_gate": "constant",
        "keep_bias": 2.0,
        "optimiser": "adam",
        "adam_rate": 0.02,
        "halving": 1e5,
    }
    return spec("lstm", "temporal_order:ms11", lag, budget, **settings)


def test_a_trial_comes_out_the_same_twice_but_for_time(registry: Registry) -> None:
    def told(outcome: Outcome) -> dict[str, Any]:
        plain = vars(outcome) | {"seconds": 0}
        return plain | {"curve": [point | {"seconds": 0} for point in outcome.curve]}

    first, second = (told(run(vanilla(20, 3e7), registry)) for _ in range(2))
    assert repr(first) == repr(second)


def test_the_budget_is_spent_and_never_exceeded(registry: Registry) -> None:
    outcome = run(vanilla(20, 3e7), registry)
    weights = 16 * 16 + 16 * 2
    a_sequence = 6 * weights * outcome.flops / (6 * weights * outcome.sequences)  # 6 N T, T drawn anew
    assert outcome.flops <= 3e7
    assert outcome.flops > 3e7 - 2 * 10 * a_sequence
    assert outcome.sequences == 10 * outcome.updates
    lengths = outcome.flops / (6 * weights * outcome.sequences)
    assert 20 <= lengths <= 22


def test_budgets_in_updates_and_sequences(registry: Registry) -> None:
    limits = Limits(1e12, updates=7)
    assert run(replace(vanilla(20, 1e12), limits=limits), registry).updates == 7
    limits = Limits(1e12, sequences=55)
    assert run(replace(vanilla(20, 1e12), limits=limits), registry).sequences == 50


def test_a_cap_below_the_budget_is_told_apart_from_the_budget(registry: Registry) -> None:
    capped = run(replace(vanilla(20, 1e9), limits=Limits(1e9, cap=1e7)), registry)
    assert capped.status == "capped"
    assert capped.flops <= 1e7
    assert run(replace(vanilla(20, 1e7), limits=Limits(1e7, cap=1e9)), registry).status != "capped"


def test_what_one_step_takes_beyond_the_budget_is_said(registry: Registry) -> None:
    outcome = run(vanilla(20, 1e4), registry)
    assert (outcome.status, outcome.updates) == ("over_budget", 1)
    assert "of 1e+04 FLOPs" in outcome.detail


def test_a_solved_trial_stops_and_was_confirmed_on_fresh_sequences(registry: Registry) -> None:
    outcome = run(lstm(10, 2e10), registry)
    assert outcome.status == "solved"
    assert outcome.flops < 2e10
    assert outcome.tested == 300
    assert outcome.error < 0.03
    assert outcome.curve[-1]["flops"] == outcome.flops
    assert outcome.curve[-1]["error"] < 0.01


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: vanilla(20, 3e8, learning_rate=1e4), "exploded"),
        (lambda: vanilla(200, 1e8, init_scale=0.001), "vanished"),
        # With no step at all nothing is learned, though the orthogonal net carries its gradient back.
        (lambda: orthogonal(20, 3e7, learning_rate=1e-30), "plateau"),
    ],
)
def test_failures_have_names(registry: Registry, make: Any, status: str) -> None:
    outcome = run(make(), registry)
    assert outcome.status == status, outcome.detail
    assert outcome.detail


def test_lightning_is_what_trains(registry: Registry) -> None:
    task = registry.task("adding", "ms11", 20)
    model = registry.method("vanilla").build(task, units=8, batch_size=5, learning_rate=0.1, init_scale=0.1)
    assert isinstance(model, pl.LightningModule)
