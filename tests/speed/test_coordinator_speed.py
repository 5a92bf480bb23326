"""What the coordinator costs: trials that do nothing, through ask, run, tell and store.

Trials are free here (a stub answers for them), so the rate is what the coordinator manages. A campaign has
one study a case, rarely of more than a hundred trials, since Optuna's TPE looks at all of a study's trials
each time it is asked: that is the realistic case, and one study of many trials the extreme one.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest

from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.plugins import tuning
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Outcome, TrialSpec
from longlag.bench.workers.pool import LocalPool, Work

CHORES = str(Path(__file__).parents[1] / "bench" / "chores.py")
STUB = '''
from longlag.bench.trial.spec import Outcome

POINT = {"flops": 1.0, "sequences": 2.0, "updates": 3.0, "seconds": 4.0, "loss": 0.5, "error": 1.0}
PROBE = {"moment": "before", "lag": 1, "gradient_norm": 0.5, "spectral_radius": 1.0}

def free(spec):
    """An outcome as long as a short trial's, for nothing."""
    error = (spec["seed"] % 997 + 1) / 1000
    measured = {"error": error, "tested": 4, "chance": 1.0, "loss": error, "flops": 1e4, "seconds": 0.01}
    return vars(Outcome("plateau", "did nothing", **measured, curve=[POINT] * 4, probes=[PROBE] * 4))
'''
RATE = 300.0
"""Trials a second that a coordinator should manage."""
GROWTH = 1.5
"""What a trial of the last thousands may cost, in trials of the first."""


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    folder = tmp_path_factory.mktemp("stub")
    (folder / "longlag_free_trials.py").write_text(STUB)
    sys.path.insert(0, str(folder))
    import longlag_free_trials  # type: ignore[import-not-found]

    yield longlag_free_trials.free
    sys.path.remove(str(folder))


class Instant:
    """As many workers as a small cluster has, none of which takes any time."""

    slots = 16

    def __init__(self, work: Work) -> None:
        self.work = work

    def submit(self, spec: TrialSpec) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(Outcome(**self.work({"seed": spec.seed})))
        return future

    def outcome(self, future: Future[Any]) -> Outcome:
        outcome: Outcome = future.result()
        return outcome


IDLE = {"methods": ["nothing"], "tasks": [{"task": "chore"}], "plugins": [CHORES]}
"""One hyperparameter."""
LSTM = {"methods": ["lstm"], "tasks": [{"task": "temporal_order:ms11"}]}
"""Seven or eight hyperparameters, as a remedy has them."""


def profile(kind: dict[str, Any], cases: int, trials: int, **more: Any) -> Profile:
    few = {"checks": {"validation": 4, "confirmation": 4, "test": 4}, "updates": 1}
    lags = list(range(50, 50 + cases))
    return parse(
        {"name": "speed", **kind, "lags": lags, "trials": trials, "batch": 10, "startup": 10, "retests": 1,
         "budget": 1e4, **few, **more},
        "speed",
    )  # fmt: skip


def run(chosen: Profile, folder: Path, executor: Any, on_row: Callable[..., None] = lambda *_: None) -> float:
    """Trials a second, from the first ask to the compacted tables."""
    coordinator = Coordinator(chosen, discover(tuple(chosen.plugins)), folder).open(resume=False)
    started = time.perf_counter()
    try:
        coordinator.run(executor, on_row)
    finally:
        coordinator.close()
    return coordinator.total / (time.perf_counter() - started)


def optuna_alone(chosen: Profile) -> None:
    """The same studies asked and told, without anything else."""
    registry = discover(tuple(chosen.plugins))
    method = registry.method(chosen.methods[0])
    name, variant = registry.variant(chosen.tasks[0].task)
    for lag in chosen.lags:
        task = registry.task(name, variant, int(lag))
        study = tuning.study(method.recipes(task.sizes))
        for batch in range(chosen.trials // chosen.batch):
            study.sampler = optuna.samplers.TPESampler(
                seed=batch, n_startup_trials=chosen.startup, constant_liar=True
            )
            asked = [study.ask() for _ in range(chosen.batch)]
            for number, trial in enumerate(asked):
                method.suggest(trial, task)
                study.tell(trial, 1.0 + (7 * batch + number) % 97 / 97)


def test_beside_optuna_the_coordinator_costs_little(
    free: Work, tmp_path: Path, pairs: Callable[..., Any], holds: Callable[..., None], timed: bool
) -> None:
    cases, rounds = (4, 5) if timed else (1, 1)
    chosen = profile(LSTM, cases, 50 if timed else 10)
    folders = count()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pairs(
            lambda: run(chosen, tmp_path / f"{next(folders)}", Instant(free)),
            lambda: optuna_alone(chosen),
            rounds,
        )
    holds("coordinator, TPE on the LSTM's hyperparameters, cases of 50 trials", "Optuna alone",
          [pair.ours / pair.theirs for pair in found], at_most=1.5)  # fmt: skip


RATES = {
    "one hyperparameter, cases of 20 trials": (IDLE, 30, 20, "tpe"),
    "one hyperparameter, cases of 100 trials": (IDLE, 6, 100, "tpe"),
    "the LSTM's hyperparameters, cases of 20 trials": (LSTM, 10, 20, "tpe"),
    "the LSTM's hyperparameters, cases of 100 trials": (LSTM, 3, 100, "tpe"),
    "the LSTM's hyperparameters, one case of 400 trials": (LSTM, 1, 400, "tpe"),
    "random search on the LSTM's hyperparameters, cases of 100 trials": (LSTM, 10, 100, "random"),
}


@pytest.mark.parametrize("name", RATES)
def test_trials_a_second_of_instant_workers(
    name: str, free: Work, tmp_path: Path, benchmark: Any, holds: Callable[..., None], timed: bool,
    facts: dict[str, Any],
) -> None:  # fmt: skip
    kind, cases, trials, sampler = RATES[name]
    chosen = profile(kind, cases if timed else 1, trials if timed else 3, sampler=sampler)
    rates: list[float] = []
    folders = count()
    rounds = 3 if trials <= 100 else 1
    benchmark.pedantic(
        lambda: rates.append(run(chosen, tmp_path / f"{next(folders)}", Instant(free))), rounds=rounds
    )
    if timed:
        facts.setdefault("rates", {})[name] = max(rates)
    holds(f"coordinator, {name}", "", rates, at_least=RATE, unit="trials/s")


def test_two_local_workers(
    free: Work, tmp_path: Path, benchmark: Any, holds: Callable[..., None], timed: bool
) -> None:
    pool = LocalPool(2, timeout=60, memory_gb=1, work=free)
    chosen = profile(IDLE, 20 if timed else 1, 50 if timed else 2)
    rates: list[float] = []
    folders = count()
    try:
        # the first starts the workers
        run(profile(IDLE, 1, 1), tmp_path / "warm", pool)
        benchmark.pedantic(
            lambda: rates.append(run(chosen, tmp_path / f"{next(folders)}", pool)), rounds=3
        )  # fmt: skip
    finally:
        pool.close()
    holds("coordinator and two local workers, one hyperparameter", "", rates, at_least=RATE, unit="trials/s")


def test_the_cost_of_a_trial_does_not_grow(
    free: Work, tmp_path: Path, benchmark: Any, holds: Callable[..., None], timed: bool
) -> None:
    """20,000 trials: the last 4,000 cost little more than the first, and memory stays flat."""
    process = psutil.Process()
    cost: list[float] = []
    memory: list[float] = []
    seen = 0

    def on_row(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen % 1000 == 0:
            cost.append(time.process_time())
            memory.append(process.memory_info().rss / 2**20)

    chosen = profile(IDLE, 400, 49) if timed else profile(IDLE, 2, 9)
    benchmark.pedantic(lambda: run(chosen, tmp_path / "long", Instant(free), on_row), rounds=1)
    assert seen == (20_000 if timed else 20)
    each = [after - before for before, after in pairwise(cost)]
    growth = [last / first for first, last in zip(each[:4], each[-4:], strict=True)]
    what = "a trial of the last thousands of 20,000, processor time"
    holds(what, "of the first thousands", growth or [1.0], at_most=GROWTH)
    holds("memory that 20,000 trials leave", "", [memory[-1] - memory[0]] if memory else [0.0], unit="MiB")
