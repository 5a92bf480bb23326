"""Guards for plugin code that runs in the coordinator: a time limit, and exceptions as one line."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 120.0
"""Seconds a plugin may take in the coordinator: to suggest hyperparameters, to set up a task.

By the clock, so on a machine where others work too the imports of a plugin take a good part of a minute.
"""

_CHECKS = (__file__, str(Path(__file__).with_name("handed.py")))
"""Where a plugin is stopped: what it did wrong is in the code that called these."""

_AGAIN = 0.5
"""Seconds after which code that has caught the end of its time is ended again."""

_LONGEST = 400
"""Characters kept of a reason."""


class _TimeUp(BaseException):
    """The time limit has passed. No Exception, so that a plugin's `except Exception` does not swallow it."""


@contextmanager
def patience(seconds: float | None = None) -> Iterator[None]:
    """Raises TimeoutError in the block's code after `seconds` (PATIENCE); unguarded outside the main thread.

    A signal ends Python loops and sleeps; a C call that never returns is not interrupted. Of one limit within
    another the outer one goes on afterwards.
    """
    limit = PATIENCE if seconds is None else seconds
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_alarm(*_: object) -> None:
        raise _TimeUp

    previous = signal.signal(signal.SIGALRM, on_alarm)
    started = time.monotonic()
    outer = 0.0
    try:
        # Again and again, in case the plugin catches everything.
        outer, _ = signal.setitimer(signal.ITIMER_REAL, limit, _AGAIN)
        yield
    except _TimeUp as signalled:
        late = TimeoutError(f"not done after {limit:g} s")
        raise late.with_traceback(signalled.__traceback__) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
        if outer:
            # Late, where it has passed meanwhile: what the inner one ended has time to say so.
            signal.setitimer(signal.ITIMER_REAL, max(_AGAIN, outer - (time.monotonic() - started)), _AGAIN)


def reason(error: BaseException) -> str:
    """An exception as one line: its type and its message's first line."""
    name = type(error).__name__
    try:
        text = str(error).strip().splitlines()
    except Exception:
        text = []
    return plain(f"{name}: {text[0]}" if text else name)


def where(error: BaseException) -> str:
    """One line: the exception and the innermost place it passed through."""
    if isinstance(error, SystemExit) and error.__context__ is not None:
        # Lightning leaves the process on an interrupt: what it was about to handle says more.
        error = error.__context__
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename not in _CHECKS]
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return reason(error) + place


def plain(text: str) -> str:
    """`text` as one line that every file can hold, cut where it is very long."""
    line = " ".join(text.split()).encode("utf-8", "replace").decode()
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
