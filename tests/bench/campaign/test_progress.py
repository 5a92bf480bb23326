"""Progress: the time left is told by the trials that ended last."""

from __future__ import annotations

import time

import pytest
from rich.console import Console

from longlag.bench.campaign.progress import Reporter

ROW = {
    "method": "lstm",
    "task": "adding",
    "variant": "ms11",
    "lag": 10,
    "status": "solved",
    "seconds": 1.0,
}


@pytest.mark.parametrize(
    ("seconds", "known", "left"),
    [
        ([2.0] * 4, 0, "time left unknown"),
        ([2.0] * 5, 0, "about 3 min left"),
        # The last third: ten of three seconds, whatever the twenty before them took.
        ([0.1] * 20 + [3.0] * 10, 0, "about 4 min left"),
        ([3.0] * 20 + [0.5] * 10, 10, "about 30 s left"),
        ([2.0] * 3, 10, "time left unknown"),
    ],
)
def test_the_time_left_is_told_by_the_trials_that_ended_last(
    seconds: list[float], known: int, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    reporter = Reporter(Console(quiet=True), total=100)
    for _ in range(known):
        reporter(ROW, known=True)
    for each in seconds:
        clock += each
        reporter(ROW, known=False)
    assert reporter.left() == left
