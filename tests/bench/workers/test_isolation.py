"""A plugin that misbehaves costs its own trial, and its row says what happened."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from rich.console import Console

from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.launch import launch
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Outcome, TrialSpec
from longlag.bench.workers.pool import LocalPool

TIMEOUT = 4.0
MEMORY = 0.25


@pytest.fixture(scope="module")
def narrow() -> Iterator[LocalPool]:
    made = LocalPool(2, timeout=TIMEOUT, memory_gb=MEMORY)
    yield made
    made.close()


@pytest.fixture(scope="module")
def run(narrow: LocalPool, make_spec: Callable[..., TrialSpec]) -> Callable[[str], Outcome]:
    def run(how: str) -> Outcome:
        return narrow.outcome(narrow.submit(make_spec("misbehave", how=how)))

    assert run("fine").status == "solved" or run("fine").status not in ("crashed", "timeout")
    return run


@pytest.mark.parametrize(
    ("how", "status", "told"),
    [
        ("raise", "crashed", "ValueError: no at chores.py:"),
        ("leave", "crashed", "SystemExit: 4 at chores.py:"),
        ("interrupt", "crashed", "KeyboardInterrupt at chores.py:"),
        ("shape", "crashed", "ValueError: outputs of shape (3, 1, 2), not (1, 4, 1)"),
        ("exit0", "crashed", "the worker ended: exit code 0"),
        ("exit1", "crashed", "the worker ended: exit code 1"),
        ("kill", "crashed", "the worker ended twice: killed by SIGKILL"),
        ("abort", "crashed", "the worker ended: killed by SIGABRT"),
        ("close_all", "crashed", "the worker closed the connection to its pool"),
        ("orphan", "crashed", "the worker ended: exit code 3"),
        ("kill_parent", "crashed", "the worker ended twice"),
        ("nan_loss", "exploded", "the training loss was nan at update 1"),
        ("nan_outputs", "exploded", "nan"),
        ("memory_python", "out_of_memory", "MemoryError at chores.py:"),
        ("memory_small", "out_of_memory", "MemoryError at chores.py:"),
        ("memory_numpy", "out_of_memory", "at "),
        ("memory_torch", "out_of_memory", "RuntimeError: "),
        ("memory_shared", "out_of_memory", "took more than 0.25 GiB"),
    ],
)
def test_a_misdeed_is_a_row(run: Callable[[str], Outcome], how: str, status: str, told: str) -> None:
    outcome = run(how)
    assert outcome.status == status, outcome
    assert told in outcome.detail
    assert "\n" not in outcome.detail
    assert run("fine").status not in ("crashed", "timeout", "out_of_memory")


@pytest.mark.parametrize("how", ["loop", "sleep", "stubborn", "hold_the_lock"])
def test_a_timeout_is_enforced_within_two_seconds(run: Callable[[str], Outcome], how: str) -> None:
    run("fine")
    started = time.monotonic()
    outcome = run(how)
    assert outcome.status == "timeout"
    assert outcome.detail == "stopped at the limit of 4 s"
    assert TIMEOUT <= time.monotonic() - started < TIMEOUT + 2


def test_waiting_for_a_worker_is_not_timed(make_spec: Callable[..., TrialSpec]) -> None:
    pool = LocalPool(1, timeout=TIMEOUT, memory_gb=1)
    try:
        futures = [pool.submit(make_spec("misbehave", n, how="sleep")) for n in range(2)]
        futures.append(pool.submit(make_spec("misbehave", 2, how="fine")))
        ends = [pool.outcome(future).status for future in futures]
    finally:
        pool.close()
    assert ends[:2] == ["timeout", "timeout"]
    assert ends[2] not in ("timeout", "crashed")


def test_what_a_trial_started_ends_with_it(run: Callable[[str], Outcome]) -> None:
    run("orphan")
    time.sleep(0.2)
    mine = psutil.Process().children(recursive=True)
    # A grandchild whose parent died is nobody's child here: look for it by its session.
    groups = {process.pid for process in mine}
    orphans = [
        p
        for p in psutil.process_iter(["status", "ppid"])
        if p.info["ppid"] in (0, 1) and _session(p) in groups
    ]
    assert not [p for p in orphans if p.info["status"] != psutil.STATUS_ZOMBIE]


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except OSError:
        return -1


def test_a_worker_killed_from_outside_costs_nothing(
    make_spec: Callable[..., TrialSpec],
) -> None:
    pool = LocalPool(2, timeout=60, memory_gb=1)
    try:
        pool.outcome(pool.submit(make_spec(rate=0.1)))
        futures = [pool.submit(make_spec("nothing", n, rate=0.1)) for n in range(40)]
        killed = 0
        while killed < 3 and not all(f.done() for f in futures):
            killed += _kill_one_of_two(pool)
            time.sleep(0.05)
        outcomes = [pool.outcome(future) for future in futures]
    finally:
        pool.close()
    assert killed
    assert [o.detail for o in outcomes if o.status in ("crashed", "timeout")] == []
    assert len(outcomes) == 40


def _kill_one_of_two(pool: LocalPool) -> bool:
    """Kill a worker whose trial does not run for the second time: that one would run alone."""
    running = [pid for pid, runs in pool.workers.items() if runs]
    if len(running) < 2:
        return False
    # Without an error where it has ended and the pool has not seen it yet.
    with contextlib.suppress(ProcessLookupError):
        # Stopped first, so that it does not take another trial meanwhile.
        os.kill(running[0], signal.SIGSTOP)
        time.sleep(0.1)
        alone = sum(pool.workers.values()) < 2
        os.kill(running[0], signal.SIGCONT if alone else signal.SIGKILL)
        return not alone
    return False


def test_closing_leaves_no_process(make_spec: Callable[..., TrialSpec]) -> None:
    pool = LocalPool(2, timeout=60, memory_gb=1)
    futures = [pool.submit(make_spec("misbehave", n, how="stubborn")) for n in range(2)]
    deadline = time.monotonic() + 60
    while sum(pool.workers.values()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pids = list(pool.workers)
    started = time.monotonic()
    pool.close()
    assert time.monotonic() - started < 5
    assert not any(psutil.pid_exists(pid) and _alive(pid) for pid in pids)
    assert not any(future.done() for future in futures)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_campaign_of_misdeeds_ends_and_says_why(
    make_profile: Callable[..., Any], trials: Callable[[Path], pd.DataFrame], tmp_path: Path
) -> None:
    profile = make_profile(
        methods=["misbehave"], lags=[1], trials=8, batch=8, memory=MEMORY, timeout=TIMEOUT, retests=2
    )
    coordinator = Coordinator(profile, discover(tuple(profile.plugins)), tmp_path / "c").open(resume=False)
    console = Console(file=io.StringIO(), width=200)
    try:
        assert launch(console, coordinator, 2)
    finally:
        coordinator.close()
    rows = trials(tmp_path / "c")
    tuned = rows[rows.phase == "tune"].set_index("hyperparameters").status.to_dict()
    fine = tuned.pop('{"how": "fine"}')
    assert fine not in ("crashed", "timeout", "out_of_memory", "exploded")
    assert tuned == {
        '{"how": "raise"}': "crashed",
        '{"how": "nan_loss"}': "exploded",
        '{"how": "exit1"}': "crashed",
        '{"how": "kill"}': "crashed",
        '{"how": "loop"}': "timeout",
        '{"how": "memory_numpy"}': "out_of_memory",
        '{"how": "stubborn"}': "timeout",
    }
    assert (rows[rows.phase == "retest"].hyperparameters == '{"how": "fine"}').all()
    assert (rows.phase == "retest").sum() == 2
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "6 trials failed; their rows in trials.parquet say why:" in printed
    assert "2 x timeout, misbehave: stopped at the limit of 4 s" in printed
    assert "1 x crashed, misbehave: ValueError: no at chores.py:" in printed
