"""Numbers as people read them; an en dash where there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

NONE = "–"


def number(value: float) -> str:
    """Three significant digits; powers of ten from a million on."""
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    if float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


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


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown; its cells as they are."""
    return [f"| {' | '.join(each)} |" for each in (head, ["---"] * len(head), *rows)]
