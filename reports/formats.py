"""Numbers as people read them; an en dash where there is none."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from longlag.bench.contract.numbers import NONE as NONE
from longlag.bench.contract.numbers import number as number

OF = " · "
"""Between a name and the campaign that it is of."""


def percent(value: float) -> str:
    """A share as a percentage: whole from 10% on, else two digits."""
    if math.isnan(value):
        return NONE
    return f"{100 * value:.0f}%" if value >= 0.0995 or value == 0 else f"{100 * value:.2g}%"


def interval(low: float, high: float) -> str:
    """[low, high] with two decimals."""
    return NONE if math.isnan(low) else f"[{low:.2f}, {high:.2f}]"


def tally(solved: int, n: int) -> str:
    """solved/n."""
    return f"{solved}/{n}"


def plain(value: Any) -> str:
    """A value of JSON, without its signs."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        nested = any(isinstance(item, (dict, list)) for item in value)
        return ("; " if nested else ", ").join(map(plain, value)) or NONE
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items()) or NONE
    return json.dumps(value, ensure_ascii=False, default=str)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """The lines of a table in Markdown, its cells as they are; the columns of `right` to the right."""
    line = ["---:" if column in right else "---" for column in range(len(head))]
    return [f"| {' | '.join(each)} |" for each in (head, line, *rows)]
