"""A Dask cluster of real processes, for tests to lose parts of."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil


class Cluster:
    """`dask scheduler` and `dask worker` processes on the loopback device, somewhere else than the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler()

    def scheduler(self) -> subprocess.Popen[bytes]:
        """The first one, or another in its place."""
        return self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")

    def worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """One that runs a trial at a time."""
        alone = ("--host", "127.0.0.1", "--no-dashboard", "--nthreads", "1")
        return self._start("worker", self.address, *alone, *options, **environment)

    def _start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        name = f"{arguments[0]}-{len(self.processes)}"
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                cwd=self.folder,
                env={**os.environ, "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h", **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self.processes):
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to a process and its children, as when a machine goes down."""
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGKILL)
    process.wait()


class After:
    """An executor beside which something happens once, after so many outcomes."""

    def __init__(self, executor: Any, outcomes: int, happens: Callable[[], Any]) -> None:
        self.executor, self.left, self.happens = executor, outcomes, happens

    @property
    def slots(self) -> int:
        return self.executor.slots

    def submit(self, spec: Any) -> Any:
        return self.executor.submit(spec)

    def outcome(self, future: Any) -> Any:
        outcome = self.executor.outcome(future)
        self.left -= 1
        if self.left == 0:
            self.happens()
        return outcome
