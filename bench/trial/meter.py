"""The budget meter: what a trial has spent, and the stop before it overspends."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch

from longlag.bench.contract.task import Batch, Task
from longlag.bench.trial.spec import Limits


def weights(model: pl.LightningModule) -> int:
    """N of a model: what it states itself, else all its parameters."""
    stated = getattr(model, "weights", None)
    return stated if isinstance(stated, int) else sum(p.numel() for p in model.parameters())


def step_cost(model: pl.LightningModule, batch: Batch) -> float:
    """FLOPs of the last training step: what the model states, else one gradient of its batch."""
    stated = getattr(model, "cost", None)
    if callable(stated):
        return float(stated(batch))
    return 6.0 * weights(model) * batch.length * batch.size


_AHEAD, _AHEAD_NUMBERS = 16, 2**18
"""Batches drawn in a row at most, and how many input numbers they may hold together: what a cache holds."""


class Stream:
    """Training batches without end, drawn from one generator."""

    def __init__(self, task: Task, batch_size: int, generator: torch.Generator) -> None:
        self.task = task
        self.batch_size = batch_size
        self.generator = generator

    def __iter__(self) -> Iterator[Batch]:
        # Several in a row: a draw between two training steps finds the caches cold, and takes twice as long.
        ahead = self._draw(1)
        count = max(1, min(_AHEAD, _AHEAD_NUMBERS // max(1, ahead[0].inputs.numel())))
        while True:
            yield from ahead
            ahead = self._draw(count)

    def _draw(self, count: int) -> list[Batch]:
        return self.task.draws(count, self.batch_size, self.generator)


TOLERANCE = 1.01
"""Lengths are drawn, so the last step may be a little dearer than any before: as much is forgiven."""


class BudgetMeter:
    """Charges every training step, and ends training before the next would exceed a limit or change nothing.

    A step is charged what the model says it cost; the next is taken to cost as much as the
    dearest so far. A step that turned out dearer than what was left cannot solve the task any
    more. One step is always taken.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.flops = 0.0
        self.sequences = 0
        self.updates = 0
        self.dearest = 0.0
        self.started = time.process_time()
        self.capped = False
        """Whether the cap, and not the budget, ended it."""
        self.settled = False
        """Whether the model ended it, whose answers more sequences would hardly change."""

    @property
    def overspent(self) -> bool:
        """Whether the last step cost more than was left: what it learned does not count."""
        return self.flops > TOLERANCE * min(self.limits.budget, self.limits.cap or math.inf)

    @property
    def seconds(self) -> float:
        """Of the processor since training began: what runs beside it does not count."""
        return time.process_time() - self.started

    def begin(self, model: pl.LightningModule) -> None:
        """Starts the clock."""
        self.started = time.process_time()

    def updated(self, model: pl.LightningModule, loss: Any, batch: Batch, ending: bool) -> bool:
        """Charges the step; whether the next would exceed a limit, or change nothing."""
        cost = step_cost(model, batch)
        self.flops += cost
        self.sequences += batch.size
        self.updates += 1
        self.dearest = max(self.dearest, cost)
        self.settled = bool(getattr(model, "settled", False))
        return self._spent(self.dearest, batch.size) or self.settled

    def _spent(self, cost: float, size: int) -> bool:
        limits = self.limits
        if limits.cap is not None and limits.cap < limits.budget and self.flops + cost > limits.cap:
            self.capped = True
            return True
        return (
            self.flops + cost > limits.budget
            or (limits.sequences is not None and self.sequences + size > limits.sequences)
            or (limits.updates is not None and self.updates >= limits.updates)
        )
