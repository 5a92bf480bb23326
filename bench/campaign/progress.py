"""Progress of a campaign: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

_ENOUGH = 5
"""Finished trials before the time left is estimated from their mean."""
_RECENT = 3
"""The mean is of the last of so many parts of them: climbs go to longer lags, whose trials take longer."""


def bar(console: Console, *more: ProgressColumn) -> Progress:
    """A progress bar whose last columns are `more`; nothing is shown where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, *more, console=console, disable=not console.is_terminal)


class Reporter:
    """Shows finished trials as they come; use it as a context manager."""

    def __init__(self, console: Console, total: int, every: float = 15.0) -> None:
        """`every`: the least seconds between two plain lines."""
        self.console = console
        self.total = total
        self.every = every
        self.done = 0
        self._ended: list[float] = []
        self.statuses: Counter[str] = Counter()
        self._started = time.monotonic()
        self._last_line = -every
        self._bar = bar(console, TextColumn("{task.fields[left]}"))
        self._task = self._bar.add_task("trials", total=total, left="")

    def __enter__(self) -> Reporter:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, row: dict[str, Any], known: bool) -> None:
        """One more trial has ended; `known` if an earlier run did it."""
        self.done += 1
        now = time.monotonic()
        if not known:
            self._ended.append(now)
        self.statuses[row["status"]] += 1
        left = self.left()
        label = f"{row['method']} on {row['task']}:{row['variant']} at lag {row['lag']}"
        self._bar.update(self._task, completed=self.done, total=self.total, description=label, left=left)
        due = not known and now - self._last_line >= self.every
        # Known ones come at once, and are counted in the line of the first that was run.
        if not self.console.is_terminal and (due or self.done == self.total):
            self._last_line = now
            self.console.print(
                f"{self.done}/{self.total} trials, {self.statuses['solved']} solved, {left}; last: {label}, "
                f"{row['status']} after {row['seconds']:.1f} s",
                soft_wrap=True,
            )

    def left(self) -> str:
        """The time left, from the mean time that the last trials have taken."""
        if len(self._ended) < _ENOUGH:
            return "time left unknown"
        recent = max(_ENOUGH, len(self._ended) // _RECENT)
        times = [self._started, *self._ended][-recent - 1 :]
        seconds = (times[-1] - times[0]) / recent * (self.total - self.done)
        return f"about {duration(seconds)} left"


def duration(seconds: float) -> str:
    """Seconds as text, in s, min or h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
