"""A training step as trials take it, with data, callbacks and trainer, against the bare loop of the same.

A trial is run with few and with more updates: the difference is what its steps take, and nothing that a
trial does once. The bare loop draws the same batches and calls the same gradient and optimiser. Checks are
left out, being a share of a trial's FLOPs that the profile sets.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from longlag.bench.contract.seeds import derive, generator
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Case, Checks, Limits, Outcome, TrialSpec
from longlag.bench.trial.trial import run

CASE = Case("vanilla", "temporal_order", "ms11", 100)
SETTING = {"init_scale": 1.0, "learning_rate": 1e-3, "units": 50, "batch_size": 20}
SEED = 7
FEW, STEPS, ROUNDS = 20, 600, 9
BAR = 1.05

REGISTRY = discover()
TASK = REGISTRY.task(CASE.task, CASE.variant, CASE.lag)
METHOD = REGISTRY.method(CASE.method)


def trial(updates: int) -> Outcome:
    limits = Limits(1e18, updates=updates)
    return run(TrialSpec(CASE, "tune", 0, SEED, SETTING, limits, Checks(1, 1, 1, 1e-12)), REGISTRY)


class Bare:
    """The same training without a trainer."""

    def __init__(self) -> None:
        torch.manual_seed(derive(SEED, "weights"))
        self.model = METHOD.build(TASK, **SETTING)
        self.stream, self.optimiser = generator(SEED, "train"), self.model.configure_optimizers()

    def run(self, updates: int) -> None:
        for _ in range(updates):
            batch = TASK.draw(self.model.batch_size, self.stream, "train")
            self.optimiser.step(closure=lambda batch=batch: self.model.gradient(batch))

    @torch.no_grad()
    def loss(self) -> float:
        """On the first sequence of the test stream."""
        batch = TASK.draw(1, generator(SEED, "test"), "test")
        return float(TASK.loss(self.model(batch.inputs, batch.mask), batch.targets))


def test_what_trainer_data_and_callbacks_add_to_a_step(
    pairs: Callable[..., Any], holds: Callable[..., None], timed: bool
) -> None:
    METHOD.warm_up()
    steps, rounds = (STEPS, ROUNDS) if timed else (5, 1)
    bare = Bare()
    bare.run(FEW)
    assert trial(FEW).loss == pytest.approx(bare.loss(), rel=1e-6)
    once = []
    for _ in range(rounds):
        began = time.process_time()
        trial(FEW)
        once.append(time.process_time() - began)
    found = pairs(lambda: trial(FEW + steps), lambda: bare.run(steps), rounds)
    ratios = [(pair.ours - statistics.median(once)) / pair.theirs for pair in found]
    milliseconds = 1e3 * min(pair.theirs for pair in found) / steps
    holds("a training step of a trial", "the bare loop", ratios, at_most=BAR, milliseconds=milliseconds)
