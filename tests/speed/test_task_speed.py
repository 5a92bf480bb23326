"""Drawing training data against training on it: one process, one thread, in turns, as the engine does both.

The networks are the smallest that are tuned, and the engine's own stream draws the batches. The bar is a
twentieth of a training step; the compiled core of the small tanh net trains so fast (about 1 ms a step)
that it gets a tenth.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

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
BARS = [("lstm", 8, 0.05), ("vanilla", 32, 0.1)]


class Clocked:
    """A stream that clocks how long its batches take, and how long whoever asks for them does."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.drawing: list[float] = []
        self.training: list[float] = []

    def __iter__(self) -> Iterator[Batch]:
        batches = iter(self.stream)
        for _ in range(ROUND * ROUNDS):
            start = time.perf_counter()
            batch = next(batches)
            drawn = time.perf_counter()
            yield batch
            self.drawing.append(drawn - start)
            self.training.append(time.perf_counter() - drawn)


def rounds(seconds: list[float]) -> list[float]:
    """Sums over the rounds, of which each holds one drawing ahead; the first holds the start-up."""
    return sorted(sum(seconds[i : i + ROUND]) for i in range(ROUND, len(seconds) - ROUND + 1, ROUND))


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
@pytest.mark.parametrize(("method", "units", "bar"), BARS)
def test_generation_is_a_small_share_of_training(
    method: str, units: int, bar: float, name: str, variant: str, record_property: pytest.RecordProperty
) -> None:
    torch.set_num_threads(1)
    task = REGISTRY.task(name, variant, 100)
    plugin = REGISTRY.method(method)
    plugin.warm_up()
    chosen = plugin.suggest(optuna.create_study().ask(), task)
    model = plugin.build(task, **{**chosen, "units": units, "batch_size": 20})
    clocked = Clocked(Stream(task, 20, torch.Generator().manual_seed(0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(model, clocked, [])
    # The least disturbed rounds: what else goes on in the machine is not the task's to answer for.
    drawing, training = rounds(clocked.drawing)[0], rounds(clocked.training)[0]
    share = drawing / training
    report = f"{1e6 * drawing / ROUND:.0f} of {1e6 * training / ROUND:.0f} us a batch: {share:.3f}"
    record_property("share", report)
    print(method, name, variant, report)  # noqa: T201
    assert share < bar, report


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_sample(benchmark, name, variant):
    task, generator = REGISTRY.task(name, variant, 100), torch.Generator().manual_seed(0)
    benchmark(task.sample, 20, generator)
