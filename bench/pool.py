"""Where trials run: worker processes on this machine, each hard-limited in time and memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any, Protocol

import pebble

from bench.spec import Outcome, TrialSpec
from bench.worker import execute, prepare, single_threaded


class Executor(Protocol):
    """Runs trials somewhere; `slots` is how many at once."""

    slots: int

    def submit(self, spec: TrialSpec) -> Future[Any]:
        """Start `spec` as soon as a slot is free."""
        ...

    def outcome(self, future: Future[Any]) -> Outcome:
        """The outcome of a finished future, also where its worker did not survive."""
        ...

    def close(self) -> None:
        """Stop at once; unfinished trials are lost."""
        ...


class LocalPool:
    """A pool of `jobs` worker processes.

    A worker that overruns `timeout` seconds or dies is replaced; the others go on. Workers are forked
    from a server that has imported torch once, so that a new one starts in milliseconds.
    """

    def __init__(self, jobs: int, timeout: float, memory_gb: float) -> None:
        self.slots = jobs
        self.timeout = timeout
        self.memory_gb = memory_gb
        single_threaded()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["bench.worker"])
        self._pool = pebble.ProcessPool(
            max_workers=jobs, initializer=prepare, initargs=[memory_gb, list(sys.path)], context=context
        )

    def submit(self, spec: TrialSpec) -> Future[Any]:
        """Start `spec` as soon as a worker is free."""
        future: Future[Any] = self._pool.schedule(execute, args=[asdict(spec)], timeout=self.timeout)
        return future

    def outcome(self, future: Future[Any]) -> Outcome:
        """The outcome of a finished future, also where its worker did not survive."""
        try:
            return Outcome(**future.result())
        except TimeoutError:
            return Outcome("timeout", f"stopped at the limit of {self.timeout:g} s", seconds=self.timeout)
        except pebble.ProcessExpired as error:
            return Outcome("crashed", f"the worker died: {_cause(error.exitcode)}")

    def close(self) -> None:
        """Stop at once; unfinished trials are lost."""
        self._pool.stop()
        self._pool.join()


def _cause(exitcode: int | None) -> str:
    if exitcode is None:
        return "no exit code"
    if exitcode >= 0:
        return f"exit code {exitcode}"
    return f"killed by {signal.Signals(-exitcode).name}"


def default_jobs() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
