"""A worker process as its pool sees it: started, given one spec at a time, watched, killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from longlag.bench.workers.server import CONTEXT
from longlag.bench.workers.worker import Work, serve, surroundings

_NEAR = 0.8
"""The share of its limit above which a worker that was killed counts as out of memory."""

_SLACK = 1.25
_TOUCHED = ("RssAnon:", "RssShmem:")

_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
"""Signals that as a rule come from another process: the system, a batch system, a user."""

_UNKNOWN = 255
"""The exit code of a process whose status is lost, because the fork server ended too."""

_lock = threading.Lock()
"""multiprocessing reads an exit code once, from a pipe: two threads must not both try."""


class Child:
    """One worker process, forked from a server that has imported torch already."""

    def __init__(self, process: ForkServerProcess, connection: Connection, memory: int) -> None:
        self.process = process
        self.connection = connection
        self.memory = memory
        self.since = time.monotonic()
        """When it was started, or given its trial."""
        self._resident = self._peak = 0

    @classmethod
    def start(cls, memory: int, quiet: bool, work: Work) -> Child:
        """A new one; raises OSError or EOFError where no process can be started."""
        ours, theirs = CONTEXT.Pipe()
        try:
            arguments = (theirs, memory, quiet, work, surroundings())
            process = CONTEXT.Process(target=serve, args=arguments, name="longlag-worker")
            with _lock:
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours, memory)

    @property
    def handles(self) -> list[Connection | int]:
        """What becomes readable when it answers or ends."""
        return [self.connection, self.process.sentinel]

    def send(self, message: bytes) -> None:
        """Give it a trial; raises OSError where it has ended."""
        self._resident = self._peak = self._resident_now()
        self.since = time.monotonic()
        self.connection.send_bytes(message)

    def receive(self) -> bytes | None:
        """Its answer, if it has given one; raises EOFError or OSError where it has closed the connection."""
        return self.connection.recv_bytes() if self.connection.poll() else None

    @property
    def age(self) -> float:
        """Seconds since it was started, or given its trial."""
        return time.monotonic() - self.since

    def watch(self) -> bool:
        """Look at its memory; whether the trial holds more of it than it may.

        The system's own limit ends most trials before; this one sees shared memory too. It is wider, so
        that the same trial always meets the same one first.
        """
        self._peak = max(self._peak, self._resident_now())
        return self._peak - self._resident > self.memory * _SLACK

    @property
    def near_limit(self) -> bool:
        """Whether the most memory that was seen is near the limit."""
        return self._peak - self._resident > _NEAR * self.memory

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        with _lock:
            return self.process.exitcode is not None

    def join(self) -> None:
        """Wait up to a second for the process to end, after its connection was closed."""
        with _lock:
            self.process.join(1.0)

    @property
    def cause(self) -> str:
        """Its exit code, or the signal that killed it."""
        code = self.process.exitcode
        if code is None or code == _UNKNOWN:
            return "its exit status is unknown"
        return f"exit code {code}" if code >= 0 else f"killed by {_signal(-code)}"

    @property
    def killed_from_outside(self) -> bool:
        """Whether another process may have killed it."""
        code = self.process.exitcode
        return code is None or code == _UNKNOWN or -code in _OUTSIDE

    def kill(self) -> None:
        """End it and what it started, at once."""
        pid = self.process.pid
        assert pid is not None
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        if not self.ended:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with _lock:
                self.process.join(1.0)
        self.connection.close()

    def _resident_now(self) -> int:
        """Bytes of memory it has touched, files apart; 0 where the system has no such figure."""
        with suppress(OSError, IndexError, ValueError):
            lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
            return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_TOUCHED))
        return 0


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
