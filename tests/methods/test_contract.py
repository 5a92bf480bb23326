"""The contract of a method, held by every registered one on every registered task, plugins included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import optuna
import pytest
import torch

from longlag import Batch, Method, Sizes, Task
from longlag.bench.contract.method import MOST_RECIPES
from longlag.bench.contract.seeds import derive, generator
from longlag.bench.plugins.combination import Combination
from longlag.bench.plugins.registry import Registry, discover
from longlag.bench.trial.meter import BudgetMeter, Stream, step_cost, weights
from longlag.bench.trial.spec import Limits
from longlag.bench.trial.trainer import fit

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

REGISTRY: Registry = discover()
METHODS = [*sorted(REGISTRY.methods), "lstm+gradient_clipping", "lstm+hessian_free"]
VARIANTS = [
    f"{name}:{variant}" for name, plugin in sorted(REGISTRY.tasks.items()) for variant in plugin.variants
]
NEEDS_FILES = {"mnist"}
"""Tasks whose data the user brings; their own tests make some."""
SHORT = 20


def make_task(expression: str) -> Task:
    """The task at about the shortest lag that is worth training on."""
    name, variant = REGISTRY.variant(expression)
    if name in NEEDS_FILES:
        pytest.skip("its data is the user's")
    lags = REGISTRY.tasks[name].lags(variant)
    lag = (
        next(lag for lag in range(max(SHORT, lags.shortest), 10**4) if lag in lags)
        if SHORT in lags or (lags.longest is None or lags.longest >= SHORT)
        else lags.shortest
    )
    return REGISTRY.task(name, variant, lag)


def suggested(method: Method, task: Task, first: dict[str, Any] | None = None) -> dict[str, Any]:
    """Hyperparameters as tuning would ask for them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    if first is not None:
        study.enqueue_trial(first)
    return method.suggest(study.ask(), task)


def first(method: Method, task: Task) -> dict[str, Any]:
    """The first recipe; nothing where there is none."""
    return dict(next(iter(method.recipes(task.sizes)), {}))


def build(method: Method, task: Task, hyperparameters: dict[str, Any], seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return method.build(task, **hyperparameters)


class Repeated:
    """One batch, again and again."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.batch


@pytest.mark.parametrize("expression", VARIANTS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_on_every_task(name: str, expression: str) -> None:
    method, task = REGISTRY.method(name), make_task(expression)
    why_not = method.supports(task)
    if why_not is not None:
        assert why_not.strip()
        pytest.skip(why_not)
    model = build(method, task, suggested(method, task, first(method, task)))
    meter = BudgetMeter(Limits(1e15, updates=1))
    fit(model, Stream(task, int(getattr(model, "batch_size", 20)), generator(0, "train")), [meter])
    batch = task.sample(3, generator(0, "test"))
    with torch.no_grad():
        outputs = model(batch.inputs, batch.mask)
    assert outputs.shape == (int(batch.mask.sum()), 3, task.output_size)
    assert torch.isfinite(outputs).all()
    assert meter.flops > 0
    assert meter.updates == 1


@pytest.mark.parametrize("name", METHODS)
def test_recipes_are_few_and_lie_in_the_search_space(name: str) -> None:
    for expression in ("adding:ms11", "temporal_order:ms11", "timer", "random_permutation"):
        for lag in (10, 20, 100, 1000, 10_000):
            method, task = REGISTRY.method(name), make_task(expression)
            sizes = replace(task.sizes, lag=lag)
            recipes = method.recipes(sizes)
            assert len(recipes) <= MOST_RECIPES
            for recipe in recipes:
                study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
                study.enqueue_trial(dict(recipe))
                trial = study.ask()
                method.suggest(trial, task)
                assert {key: trial.params[key] for key in recipe} == recipe


@pytest.mark.parametrize("name", METHODS)
def test_recipes_are_the_same_for_every_task_of_one_lag_and_size(name: str) -> None:
    method = REGISTRY.method(name)
    tasks = [REGISTRY.task(task, variant, 100) for task, variant in (("adding", "ms11"), ("xor", "ms11"))]
    assert tasks[0].sizes == tasks[1].sizes
    assert method.recipes(tasks[0].sizes) == method.recipes(tasks[1].sizes)
    # They are told nothing else of a task.
    assert {f.name for f in fields(Sizes)} == {"lag", "inputs", "outputs"}


@pytest.mark.parametrize("name", METHODS)
def test_hyperparameters_are_json_and_rebuild_the_model(name: str) -> None:
    method, task = REGISTRY.method(name), make_task("temporal_order:ms11")
    chosen = suggested(method, task)
    again = json.loads(json.dumps(chosen))
    assert again == chosen
    first, second = (build(method, task, settings, seed=3) for settings in (chosen, again))
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", METHODS)
def test_a_remedy_changes_what_it_declares_and_nothing_else(name: str) -> None:
    method, task = REGISTRY.method(name), make_task("temporal_order:ms11")
    if not isinstance(method, Combination):
        pytest.skip("it is no change to the recipe")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        method.recipe(method.suggest(study.ask(), task))


@pytest.mark.parametrize("name", METHODS)
def test_the_seed_decides_the_weights(name: str) -> None:
    method, task = REGISTRY.method(name), make_task("temporal_order:ms11")
    chosen = suggested(method, task, first(method, task))
    batch = task.sample(50, generator(0, "some"))
    outputs = []
    for seed in (derive("a"), derive("a"), derive("b")):
        model = build(method, task, chosen, seed % 2**63)
        meter = BudgetMeter(Limits(1e15, updates=1))
        size = int(getattr(model, "batch_size", 20))
        fit(model, Stream(task, size, generator(0, "train")), [meter])
        with torch.no_grad():
            outputs.append(model(batch.inputs, batch.mask))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


@pytest.mark.parametrize("name", METHODS)
def test_costs_are_counted_by_the_weights_and_the_sequence(name: str) -> None:
    method, task = REGISTRY.method(name), make_task("adding:ms11")
    model = build(method, task, suggested(method, task, first(method, task)))
    meter = BudgetMeter(Limits(1e15, updates=1))
    size = int(getattr(model, "batch_size", 20))
    batch = task.sample(size, generator(0, "train"))
    fit(model, Repeated(batch), [meter])
    gradient = 6 * weights(model) * batch.length * batch.size
    # at least the forward pass; a gradient method pays exactly one gradient, a second-order one pays more
    assert step_cost(model, batch) >= gradient / 3 - 1
