"""The pool: every trial gets its own answer, workers come and go, and nothing ever hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from longlag.bench.contract.data import DATA_VARIABLE
from longlag.bench.contract.errors import BadInput
from longlag.bench.trial.spec import Case, Limits, Outcome, TrialSpec
from longlag.bench.workers import server
from longlag.bench.workers.child import Child
from longlag.bench.workers.pool import LocalPool
from longlag.bench.workers.worker import execute


def timeless(outcome: Outcome) -> dict[str, Any]:
    data = asdict(outcome)
    data.pop("seconds")
    data["curve"] = [{k: v for k, v in point.items() if k != "seconds"} for point in data["curve"]]
    return {name: repr(value) for name, value in data.items()}


def test_every_trial_gets_its_own_answer(pool: LocalPool, make_spec: Callable[..., TrialSpec]) -> None:
    specs = [make_spec("nothing", number, rate=0.01 * number) for number in range(30)]
    futures = [pool.submit(spec) for spec in specs]
    here = [timeless(Outcome(**execute(asdict(spec)))) for spec in specs]
    there = [timeless(pool.outcome(future)) for future in futures]
    assert there == here
    assert len({answer["loss"] for answer in there}) == 30


def test_workers_see_the_environment_as_it_is_when_they_start(
    make_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "numbers").write_text("")
    server.start()
    for folder in (str(tmp_path), None):
        if folder is None:
            monkeypatch.delenv(DATA_VARIABLE)
        else:
            monkeypatch.setenv(DATA_VARIABLE, folder)
        pool = LocalPool(1, timeout=60, memory_gb=1)
        spec = make_spec(rate=0.1)
        outcome = pool.outcome(pool.submit(replace(spec, case=replace(spec.case, task="fetched"))))
        pool.close()
        assert (outcome.status == "crashed") is (folder is None), outcome


def test_a_pool_starts_nothing_before_its_first_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def around() -> tuple[object, ...]:
        return set(threading.enumerate()), set(Path("/proc/self/fd").iterdir()), dict(os.environ)

    before = around()
    pool = LocalPool(2, timeout=60, memory_gb=1)
    assert around() == before
    pool.close()


def test_imports_leave_optuna_s_log_to_the_user() -> None:
    code = (
        "import optuna, longlag.bench.cli.app, longlag.reports;"
        "assert optuna.logging.get_verbosity() == optuna.logging.INFO"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_worker_hears_no_ctrl_c_and_is_alone_in_its_session(
    make_spec: Callable[..., TrialSpec],
) -> None:
    pool = LocalPool(1, timeout=60, memory_gb=1)
    try:
        pool.outcome(pool.submit(make_spec(rate=0.1)))
        (pid,) = pool.workers
        assert os.getsid(pid) == pid != os.getsid(0)
        os.kill(pid, signal.SIGINT)
        pool.outcome(pool.submit(make_spec(rate=0.1)))
        assert pool.workers == {pid: False}
    finally:
        pool.close()


PATIENT = """
import time
import torch
from longlag import Batch, Method, SequenceModel, SquaredError, Task


class Patient(Task):
    name = "patient"
    source = "none"
    input_size = output_size = minimal_lag = 1
    chance = chance_loss = 1.0
    loss = SquaredError()

    def sample(self, batch_size, generator):
        if self.lag > 1:
            time.sleep(4)
        inputs = torch.rand(self.lag + 1, batch_size, 1, generator=generator)
        return Batch(inputs, 3 * inputs[-1:], torch.arange(self.lag + 1) == self.lag)

    def wrong(self, outputs, batch):
        return (outputs - batch.targets).abs().amax((0, 2)) > 0.04


class Knows(SequenceModel):
    def __init__(self, task):
        super().__init__(task)
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def forward(self, inputs, mask):
        return 3 * inputs[mask] + 0 * self.weight

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


class Knowing(Method):
    name = "knowing"

    def suggest(self, trial, task):
        return {}

    def build(self, task):
        return Knows(task)
"""


def test_longer_lags_are_asked_beside_a_trials_limit(
    make_spec: Callable[..., TrialSpec], tmp_path: Path
) -> None:
    """A trial that has solved its task is not lost for what it is asked afterwards."""
    plugin = tmp_path / "patient.py"
    plugin.write_text(PATIENT)
    spec = replace(
        make_spec(),
        case=Case("knowing", "patient", "standard", 1),
        phase="retest",
        limits=Limits(1e9, updates=2),
        plugins=(str(plugin),),
    )
    pool = LocalPool(1, timeout=3, memory_gb=1)
    try:
        found = pool.outcome(pool.submit(replace(spec, extrapolate=(2,))))
        assert (found.status, found.extrapolates) == ("solved", 2)
        late = pool.outcome(pool.submit(replace(spec, case=replace(spec.case, lag=2))))
        assert late.status == "timeout"
    finally:
        pool.close()


def test_an_idle_worker_that_dies_is_replaced(make_spec: Callable[..., TrialSpec]) -> None:
    pool = LocalPool(1, timeout=60, memory_gb=1)
    try:
        pool.outcome(pool.submit(make_spec(rate=0.1)))
        (pid,) = pool.workers
        os.kill(pid, signal.SIGKILL)
        assert pool.outcome(pool.submit(make_spec(rate=0.1))).status not in ("crashed", "timeout")
    finally:
        pool.close()


def test_a_worker_is_replaced_after_a_failure(make_spec: Callable[..., TrialSpec]) -> None:
    pool = LocalPool(1, timeout=60, memory_gb=1)
    try:
        used = []
        for how in ("fine", "fine", "raise", "fine"):
            pool.outcome(pool.submit(make_spec("misbehave", how=how)))
            used.append(set(pool.workers))
        assert used[0] == used[1]
        assert used[2] == set()
        assert used[3] != used[1]
    finally:
        pool.close()


def test_no_worker_at_all_is_one_clear_line(
    make_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(Child, "start", none)
    pool = LocalPool(2, timeout=60, memory_gb=1)
    try:
        started = time.monotonic()
        futures = [pool.submit(make_spec("nothing", n, rate=0.1)) for n in range(3)]
        for future in futures:
            with pytest.raises(BadInput, match="no worker process can be started"):
                pool.outcome(future)
        with pytest.raises(BadInput, match="no worker process can be started"):
            pool.outcome(pool.submit(make_spec(rate=0.1)))
        assert time.monotonic() - started < 20
    finally:
        pool.close()


def test_a_trial_that_cannot_be_understood_costs_itself(
    pool: LocalPool, make_spec: Callable[..., TrialSpec]
) -> None:
    for method in ("no_such_method", "nothing+misbehave"):
        outcome = pool.outcome(pool.submit(make_spec(method, rate=0.1)))
        assert outcome.status == "crashed"
        assert outcome.detail.startswith("BadInput: ")


def test_what_others_wait_for_is_run_first(make_spec: Callable[..., TrialSpec]) -> None:
    """By one worker: tuning in its order, then the retests in theirs."""
    asked = [("retest", 0), ("retest", 1), ("tune", 2), ("retest", 3), ("tune", 4)]
    specs = [replace(make_spec("nothing", number, rate=0.1), phase=phase) for phase, number in asked]
    ended: list[int] = []
    pool = LocalPool(1, timeout=60, memory_gb=1)
    try:
        futures = [pool.submit(spec) for spec in specs]
        for spec, future in zip(specs, futures, strict=True):
            future.add_done_callback(lambda _, number=spec.number: ended.append(number))
        for future in futures:
            pool.outcome(future)
    finally:
        pool.close()
    # The first may have been begun before the others came.
    assert [number for number in ended if number != 0] == [2, 4, 1, 3]
