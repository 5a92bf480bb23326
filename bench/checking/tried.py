"""A method, and how a check tries it: on tasks at short lags, with settings as tuning asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import optuna
import torch

from longlag.bench.checking.promises import Unkept
from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.method import Method
from longlag.bench.contract.seeds import generator
from longlag.bench.contract.task import Batch, Lags, Task
from longlag.bench.plugins import tuning
from longlag.bench.plugins.handed import Suggestions, hyperparameters
from longlag.bench.plugins.registry import Registry
from longlag.bench.trial.meter import BudgetMeter, Stream
from longlag.bench.trial.spec import Limits
from longlag.bench.trial.trainer import fit

SHORT = 20
"""The lag at which tasks are tried, where they can make it."""
FIRST = ("adding", "temporal_order")
"""The tasks that are tried first."""
NO_LIMIT = 1e18


def short(lags: Lags) -> int:
    """The lag among `lags` that is nearest to SHORT."""
    return max(lags.shortest, SHORT if lags.longest is None else min(SHORT, lags.longest))


@dataclass(frozen=True)
class Tried:
    """A method, and the tasks that it is tried on."""

    method: Method
    registry: Registry

    def task(self, name: str, variant: str | None = None) -> Task:
        """The task at a short lag that it can make; raises BadInput where its data is not there."""
        variant = variant or next(iter(self.registry.task_class(name).variants))
        return self.registry.task(name, variant, short(self.registry.lags(name, variant)))

    def supported(self) -> Task:
        """The first task that the method supports."""
        for name in dict.fromkeys((*FIRST, *sorted(self.registry.tasks))):
            with_data = self.made(name, None)
            if with_data is not None and self.method.supports(with_data) is None:
                return with_data
        raise Unkept("it supports no task that there is", "Let `supports` return None for some")

    def made(self, name: str, variant: str | None) -> Task | None:
        """The task; None where it needs data that is not there."""
        try:
            return self.task(name, variant)
        except BadInput:
            return None

    def settings(self, task: Task, seed: int = 0, recipe: bool = True) -> dict[str, Any]:
        """Hyperparameters as tuning asks for them: of the first recipe, or drawn."""
        recipes = list(self.method.recipes(task.sizes))[:1] if recipe else []
        study = tuning.study([dict(each) for each in recipes], optuna.samplers.RandomSampler(seed=seed))
        return self.suggested(study, task)

    def suggested(self, study: optuna.Study, task: Task) -> dict[str, Any]:
        """What it suggests next, as JSON knows it."""
        made = self.method.suggest(Suggestions(study.ask()), task)  # type: ignore[arg-type]  # wraps it
        return hyperparameters(made, "what suggest returned")

    def build(self, task: Task, settings: dict[str, Any], seed: int = 0) -> Any:
        """The model, its weights drawn from torch's generator seeded with `seed`."""
        torch.manual_seed(seed)
        return self.method.build(task, **settings)

    def trained(
        self,
        task: Task,
        updates: int,
        seed: int = 0,
        flops: float = NO_LIMIT,
        settings: dict[str, Any] | None = None,
    ) -> Any:
        """A model after some updates, by the first recipe unless there are other settings."""
        model = self.build(task, settings or self.settings(task), seed)
        meter = BudgetMeter(Limits(flops, updates=updates))
        fit(model, Stream(task, size_of(model), generator(0, "train")), [meter])
        return model


def tensors(model: Any) -> dict[str, torch.Tensor]:
    """What its checkpoint holds of weights and buffers."""
    return {
        key: value
        for key, value in model.state_dict().items()
        if isinstance(value, torch.Tensor) and not key.endswith("_extra_state")
    }


class Again:
    """One batch, again and again."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.batch


def size_of(model: Any) -> int:
    """The sequences of its batches."""
    return int(getattr(model, "batch_size", 20))
