"""Cost grows no faster than in proportion: to the steps, to the batch, and to the cases of a campaign."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import parse
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Outcome, TrialSpec

MOST = 1.1
"""The exponent of a power law fitted to the times, a straight line on logarithmic axes."""
CHORES = str(Path(__file__).parents[1] / "bench" / "chores.py")


def gradient(length: int, size: int) -> Callable[[], Any]:
    """One of a tanh net of 50 units on the adding problem."""
    torch.manual_seed(0)
    setting = {"init_scale": 1.0, "learning_rate": 1e-5, "units": 50, "batch_size": size}
    registry = discover()
    task, method = registry.task("adding", "a16", length), registry.method("vanilla")
    method.warm_up()
    model = method.build(task, **setting)
    batch = task.draw(size, torch.Generator().manual_seed(0), "train")
    return lambda: model.gradient(batch)


class Nowhere:
    """Every trial ends as it is submitted."""

    slots = 16

    def submit(self, spec: TrialSpec) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(Outcome("plateau", error=(spec.seed % 997 + 1) / 1000, chance=1.0))
        return future

    def outcome(self, future: Future[Any]) -> Outcome:
        outcome: Outcome = future.result()
        return outcome


def campaign(cases: int, folder: Path) -> Callable[[], Any]:
    """One of cases of 20 trials that take no time."""
    given = {"name": "speed", "methods": ["nothing"], "tasks": [{"task": "chore"}], "plugins": [CHORES],
             "lags": list(range(1, cases + 1)), "trials": 20, "batch": 10, "startup": 10, "retests": 1,
             "budget": 1e4}  # fmt: skip
    profile = parse(given, "speed")
    numbers = iter(range(sys.maxsize))

    def run() -> None:
        where = folder / f"{cases}-{next(numbers)}"
        coordinator = Coordinator(profile, discover((CHORES,)), where).open(resume=False)
        coordinator.run(Nowhere(), lambda *_: None)
        coordinator.close()

    return run


LINES: dict[str, tuple[list[int], Callable[[int, Path], Callable[[], Any]]]] = {
    "steps T": ([100, 300, 1_000, 3_000, 10_000], lambda n, _: gradient(n, 20)),
    "sequences B": ([10, 30, 100, 300, 1_000], lambda n, _: gradient(100, n)),
    "cases of a campaign": ([4, 8, 16, 32, 64], campaign),
}
ROUNDS = 3


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Of the power law that fits best."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


@pytest.fixture
def sides(tmp_path: Path, timed: bool) -> Any:
    return lambda name: [
        (size, LINES[name][1](size, tmp_path)) for size in LINES[name][0][: None if timed else 2]
    ]


@pytest.mark.parametrize("name", LINES)
def test_cost_grows_in_proportion(
    name: str, sides: Any, benchmark: Any, holds: Callable[..., None], facts: dict[str, Any], timed: bool
) -> None:
    grown = sides(name)
    measured: list[list[float]] = [[] for _ in grown]

    def once() -> None:
        # all sizes in turns, so that what disturbs one disturbs the others
        for (_, work), seconds in zip(grown, measured, strict=True):
            began = time.process_time()
            work()
            seconds.append(time.process_time() - began)

    grown[0][1]()
    benchmark.pedantic(once, rounds=ROUNDS)
    sizes = [size for size, _ in grown]
    if timed:
        least = [min(seconds) for seconds in measured]
        facts.setdefault("growth", {})[name] = {
            "sizes": sizes,
            "relative": [each / least[0] for each in least],
        }
    found = [exponent(sizes, list(each)) for each in zip(*measured, strict=True)]
    ends = f"{sizes[0]:,} to {sizes[-1]:,}"
    holds(f"exponent of the cost in {name}, {ends}", "in proportion: 1", found, at_most=MOST)
