"""The contract of a method, held by every registered one on every registered task, plugins included."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import optuna
import pytest
import torch

from longlag import Method, Sizes, Task
from longlag.bench.checking.methods import PROMISES
from longlag.bench.checking.tried import Tried
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.registry import Registry, discover
from longlag.bench.trial.meter import BudgetMeter, Stream
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
def test_recipes_are_the_same_for_every_task_of_one_lag_and_size(name: str) -> None:
    method = REGISTRY.method(name)
    tasks = [REGISTRY.task(task, variant, 100) for task, variant in (("adding", "ms11"), ("xor", "ms11"))]
    assert tasks[0].sizes == tasks[1].sizes
    assert method.recipes(tasks[0].sizes) == method.recipes(tasks[1].sizes)
    # They are told nothing else of a task.
    assert {f.name for f in fields(Sizes)} == {"lag", "inputs", "outputs", "width"}


@pytest.mark.parametrize("promise", [*PROMISES])
@pytest.mark.parametrize("name", [name for name in METHODS if name != "lstm+hessian_free"])
def test_every_promise_is_kept(name: str, promise: str) -> None:
    verdict = PROMISES.tried(promise, Tried(REGISTRY.method(name), REGISTRY))
    assert verdict.kept, verdict.told
