"""Where trials run: worker processes on this machine, each hard-limited in time and memory.

A process that overruns its limits gets SIGKILL, which no plugin can ignore or delay. A pool of our own,
because pebble's hangs when a worker leaves with exit code 0, and shares one pipe among its workers, which
one that is killed while it writes may break for all.

A worker that another process may have killed (the system, a user, another plugin) need not have failed by its
trial: the trial is run once more, alone in the pool. If its worker is killed again the trial has crashed.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import wait
from typing import Any, Protocol

from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.guard import where
from longlag.bench.trial.spec import Outcome, TrialSpec, overtime
from longlag.bench.workers import server
from longlag.bench.workers.child import Child
from longlag.bench.workers.order import line_up, urgent
from longlag.bench.workers.worker import Work, execute, single_threaded

_TICK = 0.2
"""Seconds between two looks at the clock and at memory."""

_START_LIMIT = 120.0
"""Seconds a worker may take to get ready."""

_FAILED_STARTS = 5
"""Workers in a row that end before they are ready, after which the pool starts no more."""


class Executor(Protocol):
    """Runs trials somewhere."""

    @property
    def slots(self) -> int:
        """How many trials it runs at once; may change."""
        ...

    def submit(self, spec: TrialSpec) -> Future[Any]:
        """Start `spec` as soon as a slot is free, a trial of tuning before retests."""
        ...

    def outcome(self, future: Future[Any]) -> Outcome:
        """The outcome of a finished future, also where its worker ended early; raises BadInput."""
        ...

    def close(self) -> None:
        """Stop at once; unfinished trials are lost."""
        ...


@dataclass
class _Job:
    """A trial that waits or runs."""

    message: bytes
    limit: float
    """In seconds."""
    urgent: bool
    future: Future[Any] = field(default_factory=Future)
    again: bool = False
    """Whether it is run again, because its worker was killed: next, and alone."""


class LocalPool:
    """A pool of `jobs` worker processes, run by a thread of its own.

    Nothing is started before the first trial is submitted. The clock of a trial starts when a worker gets it.
    Workers are forked from a server that has imported torch once, so that a new one starts in milliseconds.
    """

    def __init__(
        self, jobs: int, timeout: float, memory_gb: float, quiet: bool = True, work: Work = execute
    ) -> None:
        """`timeout` in seconds and `memory_gb` in GiB, for each trial; `quiet` drops what plugins print.

        `work` is what workers do with a spec, a function they can import.
        """
        self.slots = jobs
        """The number of worker processes."""
        self.timeout = timeout
        self.memory_gb = memory_gb
        self.quiet = quiet
        self.work = work
        self._waiting: deque[_Job] = deque()
        self._starting: set[Child] = set()
        self._idle: set[Child] = set()
        self._busy: dict[Child, _Job] = {}
        self._failed_starts = 0
        self._broken: BadInput | None = None
        self._closing = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def _start(self) -> None:
        """Start the pool's thread, which starts the workers."""
        single_threaded()
        server.start()
        self._wake_receiver, self._wake_sender = server.CONTEXT.Pipe(duplex=False)
        self._thread = threading.Thread(target=self._manage, name="longlag-pool", daemon=True)
        self._thread.start()

    @property
    def workers(self) -> dict[int, bool]:
        """The process ids of the workers that are ready, and whether each runs a trial."""
        ready = [(child.process.pid, True) for child in tuple(self._busy)]
        ready += [(child.process.pid, False) for child in tuple(self._idle)]
        return {pid: runs for pid, runs in ready if pid is not None}

    def submit(self, spec: TrialSpec) -> Future[Any]:
        """Start `spec` as soon as a worker is free, a trial of tuning before retests."""
        limit = self.timeout + overtime(spec.extrapolate)
        job = _Job(json.dumps(asdict(spec)).encode(), limit, urgent(spec))
        with self._lock:
            if self._thread is None:
                self._start()
            if self._broken is not None:
                job.future.set_exception(self._broken)
            else:
                line_up(self._waiting, job)
        self._wake()
        return job.future

    def outcome(self, future: Future[Any]) -> Outcome:
        """The outcome of a finished future; raises BadInput where workers cannot be started at all."""
        outcome: Outcome = future.result()
        return outcome

    def close(self) -> None:
        """Stop at once; unfinished trials are lost."""
        self._closing = True
        if self._thread is not None:
            self._wake()
            self._thread.join(5.0)

    @property
    def _children(self) -> tuple[Child, ...]:
        return (*self._starting, *self._idle, *self._busy)

    def _wake(self) -> None:
        with suppress(OSError):
            self._wake_sender.send_bytes(b"!")

    def _manage(self) -> None:
        """The pool's thread; a fault of its own fails the trials, and never leaves them waiting."""
        try:
            while not self._closing:
                self._fill()
                self._dispatch()
                self._await()
                for child in self._children:
                    self._check(child)
        except Exception as error:
            self._fail(BadInput(f"the worker pool failed: {where(error)}"))
        finally:
            for child in self._children:
                child.kill()
            self._wake_receiver.close()
            self._wake_sender.close()

    def _await(self) -> None:
        handles = [handle for child in self._children for handle in child.handles]
        watching = self._busy or self._starting or self._waiting
        ready = wait([*handles, self._wake_receiver], _TICK if watching else None)
        if self._wake_receiver in ready:
            while self._wake_receiver.poll():
                self._wake_receiver.recv_bytes()

    def _fill(self) -> None:
        """Start workers for the trials there are; fail the trials where no worker can be started."""
        if self._failed_starts >= _FAILED_STARTS:
            self._broken = BadInput(
                "no worker process can be started: is memory or the process limit used up?"
            )
        with self._lock:
            wanted = min(self.slots, len(self._waiting) + len(self._busy))
        if self._broken is not None:
            self._fail(self._broken)
            return
        for _ in range(wanted - len(self._children)):
            try:
                self._starting.add(Child.start(int(self.memory_gb * 2**30), self.quiet, self.work))
            except (OSError, EOFError):
                self._failed_starts += 1
                return

    def _fail(self, error: BadInput) -> None:
        """Fail every trial, and every one that is still submitted."""
        with self._lock:
            self._broken = error
            for job in (*self._waiting, *self._busy.values()):
                if not job.future.done():
                    job.future.set_exception(error)
            self._waiting.clear()

    def _dispatch(self) -> None:
        """Give waiting trials to idle workers; one that is run again runs alone."""
        while self._idle and not any(job.again for job in self._busy.values()):
            with self._lock:
                if not self._waiting or (self._waiting[0].again and self._busy):
                    return
                job = self._waiting.popleft()
            child = self._idle.pop()
            self._busy[child] = job
            # If the worker has just ended, the next check finds that.
            with suppress(OSError):
                child.send(job.message)

    def _check(self, child: Child) -> None:
        """Take its message, or note that it ended; kill it where it is over a limit."""
        job = self._busy.get(child)
        try:
            message = child.receive()
        except (EOFError, OSError):
            message = None
            child.join()
            if not child.ended:
                if job is not None:
                    _answer(job, Outcome("crashed", "the worker closed the connection to its pool"))
                self._drop(child)
                return
        if message is not None:
            self._on_message(child, job, message)
        elif child.ended:
            self._on_exit(child, job)
        elif job is not None and child.age > job.limit:
            detail = f"stopped at the limit of {job.limit:g} s"
            self._end(child, job, Outcome("timeout", detail, seconds=job.limit))
        elif job is not None and child.watch():
            self._end(child, job, Outcome("out_of_memory", f"took more than {self.memory_gb:g} GiB"))
        elif child in self._starting and child.age > _START_LIMIT:
            self._failed_starts += 1
            self._drop(child)

    def _on_message(self, child: Child, job: _Job | None, message: bytes) -> None:
        if job is None:
            self._starting.discard(child)
            self._idle.add(child)
            self._failed_starts = 0
            return
        answer = json.loads(message)
        del self._busy[child]
        if answer["leaving"]:
            child.kill()
        else:
            self._idle.add(child)
        _answer(job, Outcome(**answer["outcome"]))

    def _on_exit(self, child: Child, job: _Job | None) -> None:
        self._failed_starts += child in self._starting
        if job is None:
            self._drop(child)
        elif child.near_limit:
            self._end(child, job, Outcome("out_of_memory", f"the worker ended near its limit: {child.cause}"))
        elif child.killed_from_outside and not job.again:
            job.again = job.urgent = True
            self._drop(child)
            with self._lock:
                self._waiting.appendleft(job)
        else:
            twice = " twice" if job.again else ""
            self._end(child, job, Outcome("crashed", f"the worker ended{twice}: {child.cause}"))

    def _end(self, child: Child, job: _Job, outcome: Outcome) -> None:
        self._drop(child)
        _answer(job, outcome)

    def _drop(self, child: Child) -> None:
        self._starting.discard(child)
        self._idle.discard(child)
        self._busy.pop(child, None)
        child.kill()


def _answer(job: _Job, outcome: Outcome) -> None:
    if job.future.set_running_or_notify_cancel():
        job.future.set_result(outcome)


def default_jobs() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
