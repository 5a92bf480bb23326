"""What the coordinator costs: trials that do nothing, through ask, run, tell and store.

Trials are free here (a stub answers for them in the workers), so the rate is what two workers and the
coordinator manage between them; the cost of an empty trial under Lightning is measured beside it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest

from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.plugins.registry import discover
from longlag.bench.store.studies import storage_of
from longlag.bench.trial.spec import Outcome, TrialSpec
from longlag.bench.workers.pool import LocalPool, Work
from longlag.bench.workers.worker import execute

STUB = '''
from dataclasses import asdict
from longlag.bench.trial.spec import Outcome

POINT = {"flops": 1.0, "sequences": 2.0, "updates": 3.0, "seconds": 4.0, "loss": 0.5, "error": 1.0}
PROBE = {"moment": "before", "lag": 1, "gradient_norm": 0.5, "spectral_radius": 1.0}

def free(spec):
    """An outcome as long as a short trial's, for nothing."""
    error = (spec["seed"] % 997 + 1) / 1000
    measured = {"error": error, "tested": 4, "chance": 1.0, "loss": error, "flops": 1e4, "seconds": 0.01}
    return asdict(Outcome("plateau", "did nothing", **measured, curve=[POINT] * 4, probes=[PROBE] * 4))
'''


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    folder = tmp_path_factory.mktemp("stub")
    (folder / "longlag_free_trials.py").write_text(STUB)
    sys.path.insert(0, str(folder))
    import longlag_free_trials  # type: ignore[import-not-found]

    yield longlag_free_trials.free
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def free_pool(free: Work) -> Iterator[LocalPool]:
    pool = LocalPool(2, timeout=60, memory_gb=1, work=free)
    yield pool
    pool.close()


def tell(text: str) -> None:
    """A figure for whoever runs the suite with -s."""
    sys.stdout.write(f"\n{text}\n")


class Directly:
    """Runs the stub in this process."""

    slots = 1

    def __init__(self, work: Work) -> None:
        self.work = work

    def submit(self, spec: TrialSpec) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(Outcome(**self.work({"seed": spec.seed})))
        return future

    def outcome(self, future: Future[Any]) -> Outcome:
        outcome: Outcome = future.result()
        return outcome


def profile(cases: int, trials: int, sampler: str = "random", batch: int = 20) -> Profile:
    chores = Path(__file__).parents[1] / "bench" / "chores.py"
    data = {
        "name": "idle",
        "methods": ["nothing"],
        "tasks": [{"task": "chore"}],
        "lags": list(range(1, cases + 1)),
        "trials": trials,
        "batch": batch,
        "sampler": sampler,
        "retests": 1,
        "budget": 1e4,
        "updates": 1,
        "checks": {"validation": 4, "confirmation": 4, "test": 4},
        "plugins": [str(chores)],
    }
    return parse(data, "speed")


def run(chosen: Profile, folder: Path, executor: Any, on_row: Callable[..., None] | None = None) -> float:
    """Trials a second, from the first ask to the compacted tables."""
    count = 0

    def counted(row: dict[str, Any], known: bool) -> None:
        nonlocal count
        count += 1
        if on_row is not None:
            on_row(row, known)

    coordinator = Coordinator(chosen, discover(tuple(chosen.plugins)), folder).open(resume=False)
    started = time.perf_counter()
    try:
        coordinator.run(executor, counted)
    finally:
        coordinator.close()
    return count / (time.perf_counter() - started)


def warm(pool: LocalPool, folder: Path) -> None:
    run(profile(2, 20), folder, pool)


def test_two_hundred_trials_a_second_on_two_workers(
    benchmark: Any, free_pool: LocalPool, tmp_path: Path
) -> None:
    warm(free_pool, tmp_path / "warm")
    folders = iter(range(10))
    rates: list[float] = []

    def once() -> None:
        rates.append(run(profile(4, 500), tmp_path / f"{next(folders)}", free_pool))

    benchmark.pedantic(once, rounds=3)
    benchmark.extra_info["trials a second"] = rates
    tell(f"random sampler, 2 workers: {max(rates):.0f} trials/s (all rounds: {[round(r) for r in rates]})")
    assert max(rates) >= 200


def test_the_cost_of_a_trial_does_not_grow(free_pool: LocalPool, tmp_path: Path) -> None:
    """20,000 trials: the last thousand cost at most 1.5 times the first, and memory stays flat."""
    warm(free_pool, tmp_path / "warm")
    process = psutil.Process()
    cost: list[float] = [time.process_time()]
    clock: list[float] = [time.perf_counter()]
    memory: list[float] = []
    seen = 0

    def on_row(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen % 1000 == 0:
            cost.append(time.process_time())
            clock.append(time.perf_counter())
            memory.append(process.memory_info().rss / 2**20)

    rate = run(profile(40, 499), tmp_path / "long", free_pool, on_row)
    assert seen == 20_000
    each = [after - before for before, after in pairwise(cost)]
    tell(f"20,000 trials at {rate:.0f} trials/s; coordinator CPU a trial, thousand by thousand, in ms:")
    tell(" ".join(f"{seconds:.2f}" for seconds in each))
    tell(f"memory after 1,000 and 20,000 trials: {memory[0]:.0f} and {memory[-1]:.0f} MiB")
    assert each[-1] <= 1.5 * each[0]
    assert memory[-1] - memory[0] < 40


@pytest.mark.parametrize("trials", [50, 200])
def test_what_tpe_costs(free: Work, tmp_path: Path, trials: int) -> None:
    """No bar: how fast Optuna's TPE can ask, and so how many workers one coordinator feeds."""
    rates = {
        sampler: run(profile(2, trials, sampler, batch=4), tmp_path / sampler, Directly(free))
        for sampler in ("random", "tpe")
    }
    for sampler, rate in rates.items():
        tell(
            f"{sampler}, {trials} trials a study: {rate:.0f} trials/s in one process, "
            f"enough for {60 * rate:.0f} workers at a minute a trial"
        )
    assert rates["tpe"] > 0


def test_what_a_study_in_a_file_would_cost(tmp_path: Path) -> None:
    """No bar: why studies live in memory until they are done."""
    rates = {}
    for name, storage in (("memory", None), ("a file", storage_of(tmp_path / "s.log"))):
        study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
        count = 2000 if storage is None else 60
        started = time.perf_counter()
        for _ in range(count):
            trial = study.ask()
            trial.suggest_float("x", 0, 1)
            study.tell(trial, 0.5)
        rates[name] = count / (time.perf_counter() - started)
    tell(", ".join(f"ask and tell in {name}: {rate:.0f} trials/s" for name, rate in rates.items()))
    assert rates["memory"] > rates["a file"]


def test_what_an_empty_trial_costs_under_lightning(benchmark: Any) -> None:
    """No bar: the fixed cost of a real trial, beside which the coordinator's is to be seen."""
    from dataclasses import asdict

    from longlag.bench.trial.spec import Case, Checks, Limits

    chores = str(Path(__file__).parents[1] / "bench" / "chores.py")
    spec = TrialSpec(
        Case("nothing", "chore", "standard", 1), "tune", 0, 0, {"rate": 0.1}, Limits(1e4, updates=1),
        Checks(4, 4, 4), (chores,),
    )  # fmt: skip
    execute(asdict(spec))
    benchmark.pedantic(lambda: execute(asdict(spec)), rounds=20)
    milliseconds = 1000 * benchmark.stats.stats.median
    tell(f"an empty trial under Lightning: {milliseconds:.1f} ms, {2000 / milliseconds:.0f}/s on 2 workers")
