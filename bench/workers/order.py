"""Which of the trials that wait is run first: one of tuning, for the rest of its case waits for it.

A case tunes trial by trial and retests all at once, so retests that come first leave workers idle at the end
of a campaign, when the last case tunes alone. Of which trial runs when, no result depends.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Protocol, TypeVar

from longlag.bench.trial.spec import TrialSpec


class Waiting(Protocol):
    """What waits for a worker."""

    @property
    def urgent(self) -> bool:
        """Whether it goes before what is not."""
        ...


W = TypeVar("W", bound=Waiting)


def urgent(spec: TrialSpec) -> bool:
    """Whether others wait for this trial."""
    return spec.phase == "tune"


def line_up(waiting: MutableSequence[W], job: W) -> None:
    """Put `job` last; if it is urgent, behind as many as are urgent too, which stand before all others."""
    behind = sum(each.urgent for each in waiting) if job.urgent else len(waiting)
    waiting.insert(behind, job)
