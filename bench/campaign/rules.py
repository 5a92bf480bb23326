"""What a profile may say of its lags and budgets: numbers, or a rule that gives a number for every rung."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from longlag.bench.contract.errors import BadInput
from longlag.bench.trial.spec import Positive

if TYPE_CHECKING:
    # With torch, which takes seconds to import.
    from longlag.bench.contract.task import Lags

LAST = 10_000
"""The last rung of a climb that names no range."""

Number = Annotated[int, Field(ge=1, lt=2**63)]
"""A lag, which a column of 64 bits holds."""
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Strict(BaseModel):
    """A table of a profile: no key but its own, no value that would have to be converted."""

    # A key's docstring is its description, and the help of its option on the command line.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class BudgetRule(Strict):
    """A budget that grows with the lag: `flops` at lag `at`, times (lag / at) to the power `grows`."""

    at: Positive
    flops: PositiveFloat
    grows: Literal["lag", "lag^2"] | Annotated[float, Field(ge=0, le=10)] = "lag"
    """`lag`, `lag^2`, or the power."""

    def __call__(self, lag: int) -> float:
        """FLOPs at `lag`; infinite where that is beyond what a number holds."""
        power = {"lag": 1.0, "lag^2": 2.0}.get(str(self.grows)) or float(self.grows)
        try:
            return self.flops * math.pow(lag / self.at, power)
        except OverflowError:
            return math.inf


def _climb(said: str) -> str:
    """A climb's text, checked; raises ValueError."""
    found = re.fullmatch(r"climb(?::(\d{1,18})\.\.(\d{1,18}))?", said)
    if not found:
        raise ValueError("lags are a list of numbers, climb, or climb:FIRST..LAST as climb:10..1000")
    if found[1] is not None:
        first, last = int(found[1]), int(found[2])
        if first < 1:
            raise ValueError("a climb begins at a lag of 1 or more")
        if first > last:
            raise ValueError(f"a climb goes up: climb:{last}..{first}")
        if first == last:
            raise ValueError("a climb has two rungs at least; a single lag is given as a list")
    return said


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "list"


def _budget_kind(value: Any) -> str:
    return "rule" if isinstance(value, dict | BudgetRule) else "number"


TAGS = ("list", "text", "rule", "number")
"""What pydantic adds to the place of an error in a key of two kinds."""

LagRule = Annotated[
    Annotated[list[Number], Field(min_length=1), Tag("list")]
    | Annotated[str, AfterValidator(_climb), Tag("text")],
    Discriminator(_kind),
]
"""Lags as a list, or a climb."""
Budget = Annotated[
    Annotated[BudgetRule, Tag("rule")] | Annotated[PositiveFloat, Tag("number")], Discriminator(_budget_kind)
]
"""The FLOPs a trial may spend, or their rule."""


def budget_at(budget: float | BudgetRule, lag: int) -> float:
    """The FLOPs a trial may spend at `lag`; raises BadInput where the rule gives no finite number."""
    flops = budget(lag) if isinstance(budget, BudgetRule) else budget
    if not 0 < flops < math.inf:
        raise BadInput(f"the budget's rule gives {flops:g} FLOPs at lag {lag}")
    return flops


def rungs(climb: str, allowed: Lags) -> list[int]:
    """The lags of a climb, lowest first: 1, 2, 5, 10, 20 ... between its ends, and the ends themselves.

    A climb that names no range goes from 10, or the lowest round number that `allowed` has, to LAST.
    """
    first, last = map(int, climb.partition(":")[2].split("..")) if ":" in climb else (10, LAST)
    between = [lag for lag in _round_numbers(last) if first < lag < last]
    if ":" in climb:
        return [first, *between, last]
    return [lag for lag in (first, *between, last) if lag in allowed]


def midway(bridged: int, failed: int) -> int | None:
    """The rung between the last that held and the first that did not; None where there is no room."""
    between = (bridged + failed) // 2
    return between if bridged < between < failed else None


def _round_numbers(last: int) -> Iterator[int]:
    for power in count():
        for digit in (1, 2, 5):
            if (lag := digit * 10**power) > last:
                return
            yield lag
