"""What crosses between coordinator and workers: a TrialSpec goes out, an Outcome comes back.

Both are plain data (JSON values), so that they travel anywhere and can be stored and replayed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, with_config

Positive = Annotated[int, Field(strict=True, ge=1, lt=2**63)]
Phase = Literal["tune", "retest"]
Status = Literal[
    "solved",
    "capped",
    "over_budget",
    "improving",
    "plateau",
    "vanished",
    "exploded",
    "timeout",
    "out_of_memory",
    "crashed",
]
FAILED: tuple[Status, ...] = ("timeout", "out_of_memory", "crashed")
"""The statuses of trials that did not run to an end of their own."""
OVERTIME = 60.0
"""Seconds that a trial may take beside its limit to be asked at longer lags, when it has solved its task."""


def overtime(factors: Sequence[int]) -> float:
    """Seconds beside its limit of a trial that is asked at `factors` of its lag."""
    return OVERTIME if factors else 0.0


@dataclass(frozen=True)
class Case:
    """Method x task x lag: one cell of the grid, one study."""

    method: str
    task: str
    variant: str
    lag: int

    @property
    def label(self) -> str:
        """How a person calls it."""
        return f"{self.method} on {self.task}:{self.variant} at lag {self.lag}"

    @property
    def study(self) -> str:
        """The name of its Optuna study."""
        return f"{self.method}/{self.task}:{self.variant}/{self.lag}"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Checks:
    """How success is checked: sizes in sequences, the share of the FLOPs checking may take."""

    validation: Positive = 200
    confirmation: Positive = 1000
    test: Positive = 1000
    share: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.05


@dataclass(frozen=True)
class Limits:
    """What a trial may spend. FLOPs, sequences and updates are part of its definition; the rest protects."""

    budget: float
    cap: float | None = None
    """FLOPs after which it is cut because a cheaper solution is known."""
    sequences: int | None = None
    updates: int | None = None


@dataclass(frozen=True)
class TrialSpec:
    """One training run: all that a worker needs to know."""

    case: Case
    phase: Phase
    number: int
    seed: int
    hyperparameters: dict[str, Any]
    limits: Limits
    checks: Checks = field(default_factory=Checks)
    plugins: tuple[str, ...] = ()
    fault: str = ""
    """Why it cannot be run at all (its hyperparameters could not be suggested); empty otherwise."""
    rung: int = 0
    """In which attempt of a climb it was run, 1 the first; 0: the lag was given."""
    carried_from: int = 0
    """The lag of the rung whose best setting it carries; 0: none."""
    extrapolate: tuple[int, ...] = ()
    """Where it solves its task: the multiples of the lag that it is asked then."""

    @cached_property
    def run_id(self) -> str:
        """Sixteen hex digits: a stable hash of what defines the run."""
        defining = asdict(self)
        for key in ("plugins", "rung", "carried_from", "extrapolate"):
            del defining[key]
        text = json.dumps(defining, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


SPECS = TypeAdapter(TrialSpec)
"""Reads a spec that `dataclasses.asdict` took apart."""


@dataclass
class Outcome:
    """How a trial ended, and what was measured on the way."""

    status: Status
    detail: str = ""
    error: float = math.nan
    """Share of fresh test sequences wrong."""
    tested: int = 0
    chance: float = math.nan
    loss: float = math.nan
    flops: float = 0.0
    sequences: int = 0
    updates: int = 0
    seconds: float = 0.0
    parameters: int = 0
    state_bytes: float = math.nan
    """What a step of a sequence leaves to the next; NaN where the model does not say."""
    extrapolates: float = math.nan
    """The largest multiple of its lag that it solves too, 1 where none; NaN where none was asked."""
    curve: list[dict[str, float]] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    extrapolation: list[dict[str, Any]] = field(default_factory=list)

    @property
    def solved(self) -> bool:
        """Whether fresh sequences confirmed it."""
        return self.status == "solved"


BRIDGED = 0.9
"""The share of retests that must solve a task whose lag is bridged."""


def bridged(solved: int, n: int) -> bool:
    """Whether a method bridges a lag: 90% of its n retests, or more, solved the task; not so without any."""
    return n > 0 and Fraction(solved, n) >= Fraction(str(BRIDGED))


def score(outcome: Outcome, budget: float) -> float:
    """What Optuna minimises, always finite: (0, 1] solved, (1, 2] unsolved, 3 exploded or failed."""
    if outcome.status == "exploded" or outcome.status in FAILED:
        return 3.0
    if outcome.solved:
        return min(1.0, max(outcome.flops / budget, 1e-12))
    if outcome.status == "over_budget" or not math.isfinite(outcome.error):
        return 2.0
    relative = outcome.error / outcome.chance if outcome.chance > 0 else 1.0
    # Never 1.0, which a solution that took the whole budget may score.
    return 1.0 + min(1.0, max(relative, 1e-6))
