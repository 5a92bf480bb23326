"""A trial on a Dask worker: in a child process of its own, so that limits are those of one machine."""

from __future__ import annotations

import atexit
import hashlib
import json
import math
import multiprocessing
import os
import platform
import tempfile
import threading
import time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import SPECS, overtime
from longlag.bench.workers.hashes import code_hash
from longlag.bench.workers.pool import LocalPool

_making = threading.Lock()
"""What a Dask worker's threads share is made by one of them."""


class Refused(Exception):
    """The worker will not live for as long as the trial may take."""


JOB_END = "SLURM_JOB_END_TIME"
"""Where Slurm tells a job when it will be ended, in seconds since 1970."""


def seconds_left(dask_worker: Any) -> float:
    """On a Dask worker: how long it will live, by its `--lifetime` and the end of its job; else infinite."""
    import psutil

    ends = [math.inf]
    if dask_worker.lifetime:
        # As it counts from a moment later, this errs on the safe side.
        ends.append(psutil.Process().create_time() + dask_worker.lifetime)
    if (told := os.environ.get(JOB_END, "")).isdigit():
        ends.append(float(told))
    return min(ends) - time.time()


def run_remote(spec: str, plugins: list[tuple[str, str]], code: str, timeout: float, memory_gb: float) -> str:
    """On a Dask worker: run the spec (JSON) in a child process; the Outcome as JSON.

    Raises BadInput where the code here is not the coordinator's, Refused where it might not end in time.
    """
    from distributed import get_worker

    sent = SPECS.validate_json(spec)
    if seconds_left(get_worker()) < timeout + overtime(sent.extrapolate):
        raise Refused
    trial = replace(sent, plugins=tuple(local_copy(path, text) for path, text in plugins))
    # One at a time: a plugin's file that another thread is half through loading holds no plugins yet.
    with _making:
        own = code_of(trial.case.method, trial.case.task, trial.plugins)
    if own != code:
        raise BadInput(f"the Dask worker on {platform.node()} has other code than the coordinator: update it")
    pool = _pool(timeout, memory_gb)
    return json.dumps(asdict(pool.outcome(pool.submit(trial))))


@cache
def code_of(method: str, task: str, plugins: tuple[str, ...]) -> str:
    """The hash of the code that runs a method on a task here."""
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
