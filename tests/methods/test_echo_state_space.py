"""What tuning may propose for an echo state network, and what its recipes learn."""

from __future__ import annotations

import math
from collections.abc import Mapping

import optuna
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longlag import Batch, Sizes, Task
from longlag.methods.echo_state import EchoState
from tests.methods.echo_tasks import Adding, Memory, trained, wrong_of_2000


@given(st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_whatever_is_suggested_can_be_built(seed: int) -> None:
    method, task = EchoState(), Memory(10)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    hyperparameters = method.suggest(study.ask(), task)
    hyperparameters["units"] = min(hyperparameters["units"], 300)
    torch.manual_seed(0)
    model = method.build(task, **hyperparameters)
    batch = task.sample(50, torch.Generator().manual_seed(1))
    for i in range(4):
        assert math.isfinite(float(model.training_step(batch, i)))
    assert model(batch.inputs, batch.mask).isfinite().all()


SOLVED = {"readout": "exact", "exact_ridge": 1e-13, "all_steps": True}
KNOWN = {
    "delay line, orthogonal": {
        "memory": "delay",
        "delay_topology": "orthogonal",
        "delay_radius": 1.0,
        "delay_input_scale": 1e-3,
        "biased": False,
        "delay_units": 350,
        "features": "linear",
        "batch_size": 100,
        **SOLVED,
    },
    "slow and fast blocks, with noise": {
        "memory": "blocks",
        "leak_scale": 1.0,
        "leaky_topology": "sparse",
        "leaky_radius": 0.9,
        "leaky_input_scale": 0.1,
        "biased": True,
        "bias": 0.1,
        "units": 500,
        "features": "squares",
        "readout": "smooth",
        "smooth_ridge": 1e-6,
        "noisy": True,
        "noise": 1e-5,
        "all_steps": True,
        "batch_size": 200,
    },
    "latches": {
        "memory": "latch",
        "latch_radius": 2.0,
        "latch_input_scale": 0.3,
        "biased": False,
        "units": 50,
        "features": "linear",
        "batch_size": 50,
        **SOLVED,
    },
    "all products of slow units": {
        "memory": "slow",
        "leak_scale": 0.05,
        "leaky_topology": "none",
        "leaky_input_scale": 1.0,
        "biased": True,
        "bias": 0.5,
        "units": 60,
        "features": "products",
        "components": 10,
        "batch_size": 50,
        **SOLVED,
    },
}


def proposed(settings: Mapping[str, object], task: Task) -> tuple[dict, dict]:
    """What tuning makes of `settings`: its own parameters, and the model's."""
    study = optuna.create_study()
    study.enqueue_trial(dict(settings))
    trial = study.ask()
    return EchoState().suggest(trial, task), trial.params


@pytest.mark.parametrize("name", KNOWN)
def test_space_contains(name: str) -> None:
    # Optuna warns of, and replaces, what lies outside; what it does not know it leaves.
    assert proposed(KNOWN[name], Memory(10))[1] == KNOWN[name]


@given(st.integers(1, 200_000), st.integers(1, 200), st.integers(1, 100))
@settings(deadline=None, max_examples=50)
def test_recipes_lie_in_the_space(lag: int, inputs: int, outputs: int) -> None:
    recipes = EchoState().recipes(Sizes(lag, inputs, outputs))
    # No delay line shorter than the lag.
    assert [recipe["memory"] for recipe in recipes] == ["slow", "delay" if lag < 1600 else "slow", "slow"]
    for recipe in recipes:
        assert proposed(recipe, Memory(10))[1] == recipe


@pytest.mark.parametrize("task", [Adding(50), Adding(100)])
def test_first_recipe_adds(task: Task) -> None:
    recipe = EchoState().recipes(task.sizes)[0]
    model, _, _ = trained(task, 10, **proposed(recipe, task)[0])
    assert wrong_of_2000(task, model) < 20


def test_second_recipe_remembers() -> None:
    task = Memory(60)
    model, _, _ = trained(task, 4, **proposed(EchoState().recipes(task.sizes)[1], task)[0])
    assert wrong_of_2000(task, model) == 0


def test_latches_remember_what_came_first() -> None:
    """A sign for three steps, then 200 steps of noise of variance .2."""

    def first(size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        inputs = math.sqrt(0.2) * torch.randn(200, size, 1, generator=generator)
        inputs[:3] = 2.0 * torch.randint(0, 2, (size, 1), generator=generator) - 1
        return inputs, inputs[:1], torch.arange(200) == 199

    task = Adding(200)
    task.input_size = 1
    settings = proposed(KNOWN["latches"], task)[0]
    torch.manual_seed(0)
    model = EchoState().build(task, **settings)
    inputs, targets, mask = first(50, 1)
    model.training_step(Batch(inputs, targets, mask), 0)
    inputs, targets, mask = first(500, 2)
    assert ((model(inputs, mask) - targets).abs() < 0.2).all()


def test_supports_what_can_be_regressed() -> None:
    assert EchoState().supports(Adding(10)) is None
    assert EchoState().supports(Adding(10, loss=torch.nn.CTCLoss())) is not None
