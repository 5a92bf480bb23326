"""Attention: the mean that it takes, that order is nothing to it, what it solves, refuses and is charged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longlag import SequenceModel, Task
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.checks import answer, batches
from longlag.bench.trial.meter import BudgetMeter, Stream, step_cost
from longlag.bench.trial.spec import Limits
from longlag.bench.trial.trainer import fit

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

REGISTRY = discover()
METHOD = REGISTRY.method("attention")
SETTINGS = {"score": "linear", "units": 16, "learning_rate": 1e-2, "halving": 1e4, "batch_size": 20}


def make(expression: str, lag: int) -> Task:
    name, variant = REGISTRY.variant(expression)
    return REGISTRY.task(name, variant, lag)


def build(task: Task, **changed: Any) -> SequenceModel:
    torch.manual_seed(0)
    model = METHOD.build(task, **{**SETTINGS, **changed})
    assert isinstance(model, SequenceModel)
    return model


def trained(task: Task, updates: int, **changed: Any) -> SequenceModel:
    model = build(task, **changed)
    meter = BudgetMeter(Limits(1e15, updates=updates))
    fit(model, Stream(task, model.batch_size, generator(0, "train")), [meter])
    return model


def error(model: SequenceModel, task: Task) -> float:
    return answer(model, task, batches(task, 1000, generator(0, "test"), "test")).error


def leaky(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 0.01 * values)


@pytest.mark.parametrize("score", ["linear", "tanh"])
def test_its_outputs_are_the_equations(score: str) -> None:
    """Sequence by sequence, in numpy's float64."""
    task = make("adding:a16", 30)
    model = build(task, score=score).double()
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    for name in weights:
        if name.endswith("bias"):
            weights[name][:] = np.linspace(-0.5, 0.5, len(weights[name]))
    batch = task.sample(5, generator(0, "some"))
    outputs = model(batch.inputs.double(), batch.mask).detach().numpy()
    assert outputs.shape == (1, 5, 1)
    for b in range(5):
        steps = batch.inputs[:, b].double().numpy()
        states = leaky(steps @ weights["each.weight"].T + weights["each.bias"])
        scores = (states @ weights["score.weight"].T + weights["score.bias"])[:, 0]
        attention = np.exp(np.tanh(scores) if score == "tanh" else scores)
        mean = (attention / attention.sum()) @ states
        mixed = leaky(weights["mixed.weight"] @ mean + weights["mixed.bias"])
        expected = weights["readout.weight"] @ mixed + weights["readout.bias"]
        np.testing.assert_allclose(outputs[0, b], expected, rtol=1e-10)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_order_is_nothing_to_it(seed: int) -> None:
    task = make("temporal_order:ms11", 40)
    model = build(task).double()
    batch = task.sample(4, generator(seed, "some"))
    inputs = batch.inputs.double()
    shuffled = inputs[torch.randperm(batch.length, generator=torch.Generator().manual_seed(seed))]
    torch.testing.assert_close(model(shuffled, batch.mask), model(inputs, batch.mask))


def test_what_comes_after_the_asked_step_is_not_seen() -> None:
    task = make("adding:a16", 30)
    model, batch = build(task), task.sample(4, generator(0, "some"))
    earlier = torch.arange(30) == 19
    longer = model(batch.inputs, earlier)
    assert torch.equal(longer, model(batch.inputs[:20], earlier[:20]))
    assert not torch.equal(longer, model(batch.inputs, batch.mask))


@pytest.mark.parametrize("expression", ["adding:a16", "multiplication:ms11"])
def test_it_solves_what_needs_no_order(expression: str) -> None:
    task = make(expression, 100)
    assert error(trained(task, 1000, units=32, halving=1000.0), task) < 0.05 < 0.8 < task.chance


def test_of_two_keys_it_knows_which_they_are_and_not_their_order() -> None:
    """Equal keys are told from unequal ones; of the two orders of unequal ones it guesses one: 1/4 wrong."""
    task = make("temporal_order:ms11", 20)
    assert error(trained(task, 700), task) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("expression", "lag", "taken"),
    [
        ("adding:hs97", 50, True),
        ("multiplication:ms11", 50, True),
        ("temporal_order:hs97", 50, True),
        ("two_sequence:3a", 50, True),
        ("copy_memory:a16", 50, False),
        ("memorisation:mem5", 50, False),
        ("timer:start", 50, False),
        ("reber:embedded", 9, False),
    ],
)
def test_it_takes_what_is_judged_at_the_last_step(expression: str, lag: int, taken: bool) -> None:
    task = make(expression, lag)
    refused = METHOD.supports(task)
    mask = task.sample(3, generator(0, "some")).mask
    assert (refused is None) == taken == (mask.nonzero().flatten().tolist() == [len(mask) - 1])
    if refused is not None:
        assert "last step" in refused
        with pytest.raises(ValueError, match="answers once"):
            build(task)(task.sample(3, generator(0, "some")).inputs, mask)


def test_its_steps_are_charged_as_multiplied() -> None:
    """By a count of the forward pass's products: two FLOPs a multiply-add, three passes a gradient."""
    task = make("adding:a16", 50)
    model, batch = build(task, units=7), task.sample(20, generator(0, "some"))
    a_step = 2 * 7 + 7 + 7  # each step, its score, and the mean
    behind = 7 * 7 + 7
    assert model.weights == a_step
    assert step_cost(model, batch) == 3 * 2 * (50 * a_step + behind) * 20


def test_its_rate_falls() -> None:
    task = make("adding:a16", 20)
    model = build(task, halving=500.0)
    meter = BudgetMeter(Limits(1e15, updates=250))
    fit(model, Stream(task, 20, generator(0, "train")), [meter])
    optimizer: Any = model.optimizers()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-2 / (1 + 250 / 500))
