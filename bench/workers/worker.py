"""What runs in a worker process: a TrialSpec in, an Outcome out, whatever a plugin does."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from longlag.bench.plugins.guard import where
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import FAILED, SPECS, Outcome
from longlag.bench.workers.server import THREAD_VARIABLES

Work = Callable[[dict[str, Any]], dict[str, Any]]
"""A TrialSpec as a dictionary to an Outcome as one."""

_NO_MEMORY = ("allocate memory", "alloc_cpu", "cannot allocate", "out of memory", "bad_alloc", "errno 12")

_PR_SET_PDEATHSIG = 1


def single_threaded() -> None:
    """Set this process's and its children's numerical libraries to one thread."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"
    torch.set_num_threads(1)


def surroundings() -> dict[str, str]:
    """LongLag's own variables in the environment, which may be set after the workers' server has started."""
    return {name: value for name, value in os.environ.items() if name.startswith("LONGLAG_")}


def serve(connection: Connection, memory: int, quiet: bool, work: Work, environment: dict[str, str]) -> None:
    """A worker's loop: sends b"ready", then an answer for each spec, until the connection is closed.

    Messages are JSON. An answer is {"outcome": ..., "leaving": ...}; a worker that is leaving must not be
    used again, because a failed trial may have changed its global state or kept memory.
    """
    _detach(quiet)
    for name in surroundings():
        del os.environ[name]
    os.environ.update(environment)
    connection.send_bytes(b"ready")
    while True:
        try:
            spec = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        before = limit_memory(memory)
        outcome = work(spec)
        grown = _data() - before > memory / 4
        leaving = outcome["status"] in FAILED or grown
        connection.send_bytes(json.dumps({"outcome": outcome, "leaving": leaving}).encode())


def execute(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the trial `spec` describes (dataclasses.asdict of a TrialSpec); the Outcome's fields."""
    # With Lightning, which takes seconds to import, and who starts workers trains nothing.
    from longlag.bench.trial.trial import run

    trial = SPECS.validate_python(spec)
    _reset()
    try:
        return vars(run(trial, discover(trial.plugins)))
    except MemoryError as error:
        _unlimit_memory()
        return vars(Outcome("out_of_memory", where(error)))
    except BaseException as error:
        _unlimit_memory()
        short = any(words in str(error).lower() for words in _NO_MEMORY)
        return vars(Outcome("out_of_memory" if short else "crashed", where(error)))


def limit_memory(memory: int) -> int:
    """Let this process allocate `memory` bytes more than it has; what it has, in bytes.

    Counts what is allocated, not address space: torch reserves far more of that than it uses. What the
    libraries and earlier trials hold is not the trial's.
    """
    had = _data()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = had + memory
    resource.setrlimit(
        resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )
    return had


def _unlimit_memory() -> None:
    """Lift the limit, because reporting a failure allocates memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _data() -> int:
    """Bytes of private writable memory this process has allocated; 0 where the system has no such figure."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _detach(quiet: bool) -> None:
    """Start a session, so that Ctrl-C reaches the coordinator alone; be killed when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if quiet:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    single_threaded()
    warnings.simplefilter("ignore")


def _reset() -> None:
    """Set anew what an earlier trial's plugin may have changed for the whole process."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)
