"""Trials on many machines: the same specs to the workers of a Dask cluster, the same rows back.

Every Dask worker process runs its trials in child processes of its own, in a LocalPool, so that limits and
isolation are the same as on one machine. No data set is sent: a spec with the text of the plugin files it
needs goes out, an outcome comes back.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import multiprocessing
import os
import platform
import tempfile
import threading
import time
from concurrent.futures import Future
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.guard import reason
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import SPECS, Outcome, TrialSpec
from longlag.bench.workers.hashes import code_hash
from longlag.bench.workers.pool import LocalPool

_FRESH = 5.0
"""Seconds after which the cluster's slots are counted again."""

_PATIENCE = 60.0
"""Seconds to look for the scheduler, and then for a first worker."""

_making = threading.Lock()
"""What a Dask worker's threads share is made by one of them."""


class DaskExecutor:
    """Runs trials on the workers of a cluster; `connect` to one.

    `slots` follows the cluster: workers may join and leave. A trial whose worker is lost is run again on
    another, until four workers are lost with it.
    """

    def __init__(self, client: Any, timeout: float, memory_gb: float) -> None:
        """`client` is connected; `timeout` in seconds and `memory_gb` in GiB, for each trial."""
        self.timeout = timeout
        self.memory_gb = memory_gb
        self._client = client
        self._texts: dict[str, str] = {}
        self._slots = (0.0, 1)
        self._names = 0
        self._session = os.urandom(4).hex()
        self._running: set[Any] = set()

    @classmethod
    def connect(cls, address: str, timeout: float, memory_gb: float) -> DaskExecutor:
        """To the scheduler at `address`; raises BadInput where there is none, or no worker comes to it."""
        try:
            from distributed import Client
        except ImportError:
            raise BadInput("--dask needs the extra `cluster`: pip install -e .[cluster]") from None
        try:
            client = Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise BadInput(f"--dask {address}: no scheduler there: {reason(error)}") from None
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            client.close()
            raise BadInput(f"--dask {address}: the scheduler has no workers") from None
        return cls(client, timeout, memory_gb)

    @property
    def slots(self) -> int:
        """The trials the cluster can run at once, as of the last few seconds."""
        asked, known = self._slots
        if time.monotonic() - asked > _FRESH:
            known = max(1, sum(self._client.nthreads().values()))
            self._slots = time.monotonic(), known
        return known

    def submit(self, spec: TrialSpec) -> Future[Any]:
        """Start `spec` as soon as a worker is free."""
        self._names += 1
        remote = self._client.submit(
            run_remote,
            json.dumps(asdict(spec)),
            [(path, self._text(path)) for path in spec.plugins],
            _code(spec.case.method, spec.case.task, spec.plugins),
            self.timeout,
            self.memory_gb,
            key=f"longlag-{self._session}-{self._names}-{spec.run_id}",
            pure=False,
        )
        future: Future[Any] = Future()
        self._running.add(remote)
        remote.add_done_callback(lambda done: self._done(done, future))
        return future

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
        self._client.cancel(list(self._running), force=True)
        self._client.close(timeout=3)

    def _done(self, remote: Any, future: Future[Any]) -> None:
        self._running.discard(remote)
        if remote.cancelled():
            future.set_exception(BadInput("the Dask scheduler cancelled its trials"))
            return
        error = remote.exception()
        if error is None:
            future.set_result(remote.result())
        else:
            future.set_exception(error)

    def _text(self, path: str) -> str:
        if path not in self._texts:
            self._texts[path] = Path(path).read_text(encoding="utf-8")
        return self._texts[path]


def run_remote(spec: str, plugins: list[tuple[str, str]], code: str, timeout: float, memory_gb: float) -> str:
    """On a Dask worker: run the spec (JSON) in a child process; the Outcome as JSON.

    Raises BadInput where the code here is not the coordinator's.
    """
    sent = SPECS.validate_json(spec)
    trial = replace(sent, plugins=tuple(local_copy(path, text) for path, text in plugins))
    # One at a time: a plugin's file that another thread is half through loading holds no plugins yet.
    with _making:
        own = _code(trial.case.method, trial.case.task, trial.plugins)
    if own != code:
        raise BadInput(f"the Dask worker on {platform.node()} has other code than the coordinator: update it")
    pool = _pool(timeout, memory_gb)
    return json.dumps(asdict(pool.outcome(pool.submit(trial))))


@cache
def _code(method: str, task: str, plugins: tuple[str, ...]) -> str:
    return code_hash(discover(plugins).plugins(method, task))


def local_copy(path: str, text: str) -> str:
    """A plugin's file on this machine: where it lies on the coordinator's, or a copy under its own name."""
    here = Path(path)
    try:
        if here.read_text(encoding="utf-8") == text:
            return path
    except (OSError, UnicodeDecodeError):
        pass
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    copy = Path(_scratch(), digest, here.name)
    if not copy.exists():
        copy.parent.mkdir(exist_ok=True)
        temporary = copy.with_name(f"{copy.name}.{threading.get_ident()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(copy)
    return str(copy)


@cache
def _scratch() -> str:
    folder = tempfile.TemporaryDirectory(prefix="longlag-plugins-")
    atexit.register(folder.cleanup)
    return folder.name


def _pool(timeout: float, memory_gb: float) -> LocalPool:
    """The pool of this Dask worker, as wide as it has threads."""
    with _making:
        return _made(timeout, memory_gb)


@cache
def _made(timeout: float, memory_gb: float) -> LocalPool:
    from distributed import get_worker

    # Dask's nanny starts its workers as daemons, which multiprocessing does not let have children.
    multiprocessing.process.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    pool = LocalPool(get_worker().state.nthreads, timeout, memory_gb)
    atexit.register(pool.close)
    return pool
