"""Drawing training data against training on it: one process, one thread, in turns, as the engine does both.

The networks are the smallest that are tuned, and the engine's own stream draws the batches. Their compiled
cores train so fast, in about a third of a millisecond, that drawing gets a fifth of it.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import optuna
import pytest
import torch

from longlag import Batch
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.meter import Stream
from longlag.bench.trial.trainer import fit

REGISTRY = discover()
VARIANTS = [
    (name, variant)
    for name, task in REGISTRY.tasks.items()
    if name not in ("mnist", "digits")  # of other lengths
    for variant in task.variants
]
ROUND = 16
ROUNDS = 8
BARS = [("lstm", 8, 0.2), ("vanilla", 32, 0.2)]


class Clocked:
    """A stream that clocks how long its batches take, and how long whoever asks for them does."""

    def __init__(self, stream: Stream, count: int) -> None:
        self.stream = stream
        self.count = count
        self.drawing: list[float] = []
        self.training: list[float] = []

    def __iter__(self) -> Iterator[Batch]:
        batches = iter(self.stream)
        for _ in range(self.count):
            start = time.process_time()
            batch = next(batches)
            drawn = time.process_time()
            yield batch
            self.drawing.append(drawn - start)
            self.training.append(time.process_time() - drawn)


def rounds(seconds: list[float]) -> list[float]:
    """Sums over the rounds, of which each holds one drawing ahead; the first holds the start-up."""
    return [sum(seconds[i : i + ROUND]) for i in range(ROUND, len(seconds) - ROUND + 1, ROUND)]


def shares(method: str, units: int, name: str, variant: str, count: int) -> list[float]:
    """Time to draw over time to train on it, round by round of `count` batches."""
    task = REGISTRY.task(name, variant, 100)
    plugin = REGISTRY.method(method)
    plugin.warm_up()
    chosen = plugin.suggest(optuna.create_study().ask(), task)
    model = plugin.build(task, **{**chosen, "units": units, "batch_size": 20})
    clocked = Clocked(Stream(task, 20, torch.Generator().manual_seed(0)), count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(model, clocked, [])
    assert len(clocked.drawing) == count
    pairs = zip(rounds(clocked.drawing), rounds(clocked.training), strict=True)
    return [drawing / training for drawing, training in pairs]


@pytest.mark.parametrize(("method", "units", "bar"), BARS)
def test_generation_is_a_small_share_of_training(
    method: str, units: int, bar: float, benchmark: Any, holds: Callable[..., None], timed: bool
) -> None:
    count = ROUND * ROUNDS if timed else 1
    found = benchmark.pedantic(
        lambda: {key: shares(method, units, *key, count) for key in VARIANTS}, rounds=1
    )
    dearest = max(found, key=lambda key: statistics.median(found[key] or [0.0]))
    what = f"drawing a batch, {':'.join(dearest)}: the dearest of {len(found)} tasks"
    holds(what, f"training on it, {method} of {units}", found[dearest] or [0.0], at_most=bar)


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_sample(benchmark, name, variant):
    task, generator = REGISTRY.task(name, variant, 100), torch.Generator().manual_seed(0)
    benchmark.pedantic(task.sample, (20, generator), rounds=50)
