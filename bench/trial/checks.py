"""The success check: whether a trial has solved its task.

A fixed validation stream is answered as often as keeps checking below a share of the FLOPs; its first
sequences decide whether the rest is worth asking. A pass is confirmed on fresh sequences before it counts.
The cadence is decided by FLOPs, never by the clock, so that a trial comes out the same every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch

from longlag.bench.contract.seeds import generator
from longlag.bench.contract.task import Batch, Split, Task
from longlag.bench.trial.meter import BudgetMeter, weights
from longlag.bench.trial.spec import Checks

CHUNK = 50
"""Sequences answered at once, at most: small enough for memory."""

LENIENCE = 2.0
"""At the last check, the share of validation sequences that may be wrong, in thresholds of the task."""

_CURVE_SPACING = 1.04
"""A point of the curve is kept when the cost has grown by this factor: dense early, bounded in all."""


@dataclass(frozen=True)
class Answer:
    """What a model answered: how many sequences were wrong of how many, and the mean loss."""

    wrong: int
    asked: int
    loss: float

    @property
    def error(self) -> float:
        """The share wrong."""
        return self.wrong / self.asked


def batches(task: Task, count: int, stream: torch.Generator, split: Split) -> Iterator[Batch]:
    """`count` sequences of a split, in chunks, each of which has a length of its own."""
    size = min(CHUNK, task.of_a_length)
    for start in range(0, count, size):
        yield task.draw(min(size, count - start), stream, split)


@torch.no_grad()
def answer(
    model: pl.LightningModule, task: Task, questions: Iterator[Batch], stop_after: int = 2**62
) -> Answer:
    """The model's answers; stops asking once more than `stop_after` sequences are wrong."""
    training = model.training
    model.eval()
    wrong = asked = 0
    loss = 0.0
    for batch in questions:
        outputs = model(batch.inputs, batch.mask)
        expected = (int(batch.mask.sum()), batch.size, task.output_size)
        if tuple(outputs.shape) != expected:
            # Broadcast against the targets, another shape may even seem right.
            raise ValueError(f"outputs of shape {tuple(outputs.shape)}, not {expected}")
        # Comparisons with NaN are false: without this a diverged model would seem right.
        broken = ~torch.isfinite(outputs).flatten(2).all(-1).all(0)
        wrong += int((task.wrong(outputs, batch) | broken).sum())
        loss += float(task.loss(outputs, batch.targets)) * batch.size
        asked += batch.size
        if wrong > stop_after:
            break
    model.train(training)
    return Answer(wrong, asked, loss / asked)


def allowed(task: Task, count: int) -> int:
    """How many of `count` may be wrong for the task to count as solved: strictly below its share."""
    limit = task.solved_below * count
    return int(limit) - 1 if limit == int(limit) else int(limit)


class SuccessCheck:
    """Checks during training, ends it when the task is solved, and keeps the curve."""

    def __init__(self, task: Task, checks: Checks, seed: int, meter: BudgetMeter) -> None:
        self.task = task
        self.checks = checks
        self.meter = meter
        self.solved = False
        self.curve: list[dict[str, float]] = []
        self.validation = list(batches(task, checks.validation, generator(seed, "validation"), "validation"))
        self._confirmation = generator(seed, "confirmation")
        self._test = generator(seed, "test")
        self._spent = 0.0
        self._checked: int | None = None
        first = self.validation[: max(1, CHUNK // task.of_a_length)]
        self._first = sum(batch.length * batch.size for batch in first)
        """Steps of the first sequences, all together."""
        self._length = self._first / sum(batch.size for batch in first)

    def begin(self, model: pl.LightningModule) -> None:
        """The first point of the curve, before any step: what a net answers untrained is no solution."""
        result = answer(model, self.task, iter(self.validation), allowed(self.task, self.checks.validation))
        self._charge(model, result)
        self._keep(result, False)
        self._checked = getattr(model, "revision", None)

    def updated(self, model: pl.LightningModule, loss: Any, batch: Batch, ending: bool) -> bool:
        """Checks when it is due, or when training ends; whether the task is solved."""
        if not (ending or self._due(model)):
            return False
        self.check(model, final=ending)
        return self.solved

    def test(self, model: pl.LightningModule) -> Answer:
        """The answers to fresh test sequences, never seen before."""
        return answer(model, self.task, batches(self.task, self.checks.test, self._test, "test"))

    def check(self, model: pl.LightningModule, final: bool = False) -> None:
        """One check: whether it has solved its task, and perhaps a point of the curve."""
        validation = iter(self.validation)
        enough = allowed(self.task, self.checks.validation)
        if final:
            # There is no later check: what may have solved it is asked the many that decide.
            enough = max(enough, int(LENIENCE * self.task.solved_below * self.checks.validation))
        result = answer(model, self.task, validation, enough)
        self._charge(model, result)
        self.solved = result.wrong <= enough and not self.meter.overspent and self.confirm(model)
        self._keep(result, final or self.solved)
        self._checked = getattr(model, "revision", None)

    def _due(self, model: pl.LightningModule) -> bool:
        """Whether it would answer anew, and asking the first sequences keeps checking within its share."""
        revision = getattr(model, "revision", None)
        if revision is not None and revision == self._checked:
            return False
        cost = 2.0 * weights(model) * self._first
        share = getattr(model, "check_share", None)
        return self._spent + cost <= (self.checks.share if share is None else share) * self.meter.flops

    def confirm(self, model: pl.LightningModule) -> bool:
        """Whether fresh sequences confirm that it has solved its task."""
        count = self.checks.confirmation
        fresh = batches(self.task, count, self._confirmation, "confirmation")
        result = answer(model, self.task, fresh, allowed(self.task, count))
        self._charge(model, result)
        return result.wrong <= allowed(self.task, count)

    def _charge(self, model: pl.LightningModule, result: Answer) -> None:
        self._spent += 2.0 * weights(model) * self._length * result.asked

    def _keep(self, result: Answer, final: bool) -> None:
        if not final and self.curve and self.meter.flops < self.curve[-1]["flops"] * _CURVE_SPACING:
            return
        self.curve.append(
            {
                "flops": self.meter.flops,
                "sequences": float(self.meter.sequences),
                "updates": float(self.meter.updates),
                "seconds": self.meter.seconds,
                "loss": result.loss,
                "error": result.error,
            }
        )
