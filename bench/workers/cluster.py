"""Trials on many machines: the same specs to the workers of a Dask cluster, the same rows back.

Every Dask worker process runs its trials in child processes of its own (`remote`). No data set is sent:
a spec with the text of the plugin files it needs goes out, an outcome comes back.

A trial that a worker refused, because it will not live for as long as the trial may take, is sent to
those that will. What the scheduler took with it when it was lost is sent again to the one that comes in
its place.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.guard import reason
from longlag.bench.trial.spec import Outcome, TrialSpec
from longlag.bench.workers.order import line_up, urgent
from longlag.bench.workers.remote import Refused, code_of, run_remote, seconds_left

_FRESH = 2.0
"""Seconds after which the cluster's workers are counted again."""

_PATIENCE = 60.0
"""Seconds to look for the scheduler, and then for a first worker."""

_ABSENCE = 600.0
"""Seconds for which a scheduler that was lost is looked for."""


@dataclass(eq=False)
class _Job:
    """A trial that was asked for, what Dask made of it, and the workers it may go to where not to all."""

    spec: TrialSpec
    future: Future[Any] = field(default_factory=Future)
    remote: Any = None
    only: tuple[str, ...] = ()
    refused: bool = False

    @property
    def urgent(self) -> bool:
        """Whether others wait for it."""
        return urgent(self.spec)


class DaskExecutor:
    """Runs trials on the workers of a cluster; `connect` to one.

    `slots` follows the cluster: workers may join and leave. A trial whose worker is lost is run again on
    another, until four workers are lost with it.
    """

    def __init__(
        self,
        connected: Callable[[], Any],
        timeout: float,
        memory_gb: float,
        most: int | None = None,
        spare: float = 0.0,
    ) -> None:
        """`connected` makes a client; `timeout` in seconds and `memory_gb` in GiB, for each trial.

        `most` trials run at once, however many slots the cluster has. Some may take `spare` seconds more.
        """
        self.timeout = timeout
        self.spare = spare
        self.memory_gb = memory_gb
        self.most = most
        self._connected = connected
        self._client = connected()
        self._texts: dict[str, str] = {}
        self._waiting: deque[_Job] = deque()
        self._running: set[_Job] = set()
        self._threads: dict[str, int] = {}
        """Of each worker that has answered."""
        self._ends: dict[str, float] = {}
        """When a worker has lived, by this machine's monotonic clock."""
        self._lock = threading.RLock()
        self._stir = threading.Event()
        self._closed = threading.Event()
        self._count()
        self._keeper = threading.Thread(target=self._keep, name="longlag-dask", daemon=True)
        self._keeper.start()

    @classmethod
    def connect(
        cls, address: str, timeout: float, memory_gb: float, most: int | None = None, spare: float = 0.0
    ) -> DaskExecutor:
        """To the scheduler at `address`; raises BadInput where there is none, or no worker that will do."""
        try:
            from distributed import Client
        except ImportError:
            raise BadInput("--dask needs the extra `cluster`: pip install -e .[cluster]") from None

        def connected() -> Any:
            return Client(address, timeout=_PATIENCE, set_as_default=False)

        try:
            executor = cls(connected, timeout, memory_gb, most, spare)
        except (OSError, TimeoutError, ValueError) as error:
            raise BadInput(f"--dask {address}: no scheduler there: {reason(error)}") from None
        started = time.monotonic()
        while not executor._threads and time.monotonic() - started < _PATIENCE:
            time.sleep(0.1)
        why = ""
        if not executor._threads:
            why = "the scheduler has no workers that answer and have LongLag"
        elif not executor._able():
            why = f"a trial may take {timeout + spare:g} s (timeout), and no worker there lives as long"
        if why:
            executor.close()
            raise BadInput(f"--dask {address}: {why}")
        return executor

    @property
    def slots(self) -> int:
        """The trials the cluster can run at once, as of the last few seconds."""
        with self._lock:
            able = max(1, sum(self._threads[name] for name in self._able()))
        return able if self.most is None else min(able, self.most)

    def submit(self, spec: TrialSpec) -> Future[Any]:
        """Start `spec` as soon as a worker is free, a trial of tuning before retests."""
        job = _Job(spec)
        with self._lock:
            line_up(self._waiting, job)
        self._stir.set()
        return job.future

    def outcome(self, future: Future[Any]) -> Outcome:
        """The outcome of a finished future; raises BadInput where the cluster could not run it."""
        try:
            return Outcome(**json.loads(future.result()))
        except BadInput:
            raise
        except Exception as error:
            if type(error).__name__ == "KilledWorker":
                return Outcome("crashed", "every Dask worker that ran it was lost")
            raise BadInput(f"the Dask cluster could not run a trial: {reason(error)}") from None

    def close(self) -> None:
        """Stop at once; unfinished trials are lost."""
        self._closed.set()
        self._stir.set()
        with self._lock:
            remotes = [job.remote for job in self._running]
        with suppress(Exception):
            self._client.cancel(remotes, force=True)
            self._client.close(timeout=3)
        self._keeper.join(_FRESH)

    def _able(self) -> list[str]:
        """The workers that live for as long as a trial may take."""
        now = time.monotonic()
        return [name for name in self._threads if self._ends[name] - now > self.timeout + self.spare]

    def _keep(self) -> None:
        """Follows the cluster until it is closed; whatever is sent, is sent from here."""
        while not self._closed.is_set():
            self._stir.wait(_FRESH)
            self._stir.clear()
            try:
                self._count()
                self._recall()
                self._send()
            except Exception as error:
                if not self._closed.is_set() and not self._found_again():
                    self._fail(BadInput(f"the Dask scheduler is lost: {reason(error)}"))
                    return

    def _count(self) -> None:
        """Which workers there are now, and until when."""
        threads = dict(self._client.nthreads())
        new = [name for name in threads if name not in self._ends]
        # One that has another LongLag, or none, does not answer; its trials tell which.
        left = self._client.run(seconds_left, workers=new, on_error="ignore") if new else {}
        with self._lock:
            self._ends |= {name: time.monotonic() + each for name, each in left.items()}
            self._threads = {name: each for name, each in threads.items() if name in self._ends}

    def _recall(self) -> None:
        """What may go to certain workers only, and these are gone, waits again."""
        with self._lock:
            lost = [job for job in self._running if job.only and not set(job.only) & set(self._threads)]
            self._running.difference_update(lost)
            self._waiting.extendleft(lost)
        if lost:
            self._client.cancel([job.remote for job in lost], force=True)

    def _send(self) -> None:
        """What waits goes to Dask, as far as it may; what was refused, when there is who will not."""
        while not self._closed.is_set():
            with self._lock:
                able = tuple(self._able())
                sendable = (job for job in self._waiting if able or not job.refused)
                job = next(sendable, None)
                full = self.most is not None and len(self._running) >= self.most
                if job is None or full:
                    return
                self._waiting.remove(job)
                job.only = able if job.refused else ()
                self._running.add(job)
            job.remote = self._client.submit(
                run_remote,
                json.dumps(asdict(job.spec)),
                [(path, self._text(path)) for path in job.spec.plugins],
                code_of(job.spec.case.method, job.spec.case.task, job.spec.plugins),
                self.timeout,
                self.memory_gb,
                workers=list(job.only) or None,
                pure=False,
                # Where all that waits has gone to Dask, it keeps the order.
                priority=int(job.urgent),
            )
            job.remote.add_done_callback(lambda done, job=job: self._done(done, job))

    def _text(self, path: str) -> str:
        """A plugin's file, as it was when it was first sent."""
        if path not in self._texts:
            self._texts[path] = Path(path).read_text(encoding="utf-8")
        return self._texts[path]

    def _done(self, remote: Any, job: _Job) -> None:
        """In a thread of Dask's: hand on what came of a trial; what was refused or lost waits again."""
        error = remote.exception() if remote.status == "error" else None
        with self._lock:
            # Or it was sent again in the meantime.
            if job not in self._running or job.remote is not remote:
                return
            self._running.remove(job)
            again = remote.status not in ("finished", "error") or isinstance(error, Refused)
            if again:
                job.refused = job.refused or error is not None
                self._waiting.appendleft(job)
        if error is not None and not again:
            job.future.set_exception(error)
        elif not again:
            job.future.set_result(remote.result())
        self._stir.set()

    def _found_again(self) -> bool:
        """Look for a scheduler that was lost, for a while; what ran under it waits again."""
        with suppress(Exception):
            self._client.close(timeout=1)
        started = time.monotonic()
        while not self._closed.is_set() and time.monotonic() - started < _ABSENCE:
            try:
                self._client = self._connected()
            except (OSError, TimeoutError):
                time.sleep(1)
                continue
            with self._lock:
                self._waiting.extendleft(self._running)
                self._running.clear()
                self._threads, self._ends = {}, {}
            self._stir.set()
            return True
        return False

    def _fail(self, error: BadInput) -> None:
        with self._lock:
            jobs = [*self._running, *self._waiting]
            self._running.clear()
            self._waiting.clear()
        for job in jobs:
            job.future.set_exception(error)
