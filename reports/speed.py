"""What `nox -s speed` measured: a measure, its bar, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from longlag.reports.formats import number

HEAD = ("measure", "against", "bar", "measured (quartiles)", "holds?")


class Measure(NamedTuple):
    """A ratio, or a figure with a `unit`, that was measured `n` times, and what it has to be."""

    measure: str
    against: str
    at_least: float | None
    at_most: float | None
    median: float
    low: float
    """The first quartile, and the third."""
    high: float
    n: int
    unit: str
    gates: bool
    """Whether `nox -s speed` fails where it does not hold: ratios alone do."""
    told: dict[str, Any]
    """Shapes, threads, and whatever else it depends on.

    Of the most that something could give: `asked`, what was asked of it.
    """

    @property
    def holds(self) -> bool:
        """Whether the median is not past its bar."""
        return (self.at_least is None or self.median >= self.at_least) and (
            self.at_most is None or self.median <= self.at_most
        )

    @property
    def row(self) -> list[str]:
        """Its row of the table."""
        unit = f" {self.unit}" if self.unit else ""
        bars = [
            f"{sign} {number(bar)}{unit}" for sign, bar in (("≥", self.at_least), ("≤", self.at_most)) if bar
        ]
        spread = f" ({number(self.low)} to {number(self.high)})" if self.n > 1 else ""
        verdict = ("yes" if self.holds else "no") if bars else ""
        told = "" if self.gates or not bars else ", told only"
        if asked := self.told.get("asked"):
            bars = [f"{number(asked)} asked; at most"]
            verdict = "within reach" if self.median >= asked else "out of reach"
        return [
            self.measure, self.against, " ".join(bars), f"{number(self.median)}{unit}{spread}", verdict + told
        ]  # fmt: skip


def table(measures: Iterable[Measure]) -> list[str]:
    """A GitHub table that can also be read as it is, in a terminal."""
    rows = [measure.row for measure in measures]
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    lines = [HEAD, ["-" * width for width in widths], *rows]
    return ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
