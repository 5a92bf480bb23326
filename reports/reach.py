"""How far a method came on a task: T* with its interval, as text and as a chart."""

from __future__ import annotations

import math
from typing import NamedTuple

import altair as alt
import pandas as pd

from longlag.reports import charts
from longlag.reports.charts import Spec
from longlag.reports.formats import NONE
from longlag.reports.palette import looks
from longlag.reports.results import Panel, Results
from longlag.reports.statistics import Interval, frontier, frontier_interval


class Reach(NamedTuple):
    """T* of a method on a panel (None: not even the shortest lag), and where a fit puts the 90% rate."""

    bridged: int | None
    interval: Interval
    shortest: int
    """The shortest and the longest lag that it was retested at."""
    longest: int

    @property
    def open(self) -> bool:
        """Whether the longest lag tried was bridged: T* may be longer."""
        return self.bridged == self.longest

    def __str__(self) -> str:
        if self.bridged is None:
            return f"< {self.shortest}"
        reached = f"≥ {self.bridged}" if self.open else str(self.bridged)
        low = f"< {self.shortest}" if self.interval.low == 0 else f"{self.interval.low:.2g}"
        high = f"> {self.longest}" if math.isinf(self.interval.high) else f"{self.interval.high:.2g}"
        return f"{reached} [{_plain(low)}, {_plain(high)}]"


def _plain(end: str) -> str:
    """An end of two digits without its exponent."""
    return f"{float(end):.0f}" if "e" in end else end


def reach(results: Results, panel: Panel, method: str) -> Reach | None:
    """How far a method came; None without retests."""
    ladder = results.ladder(panel, method)
    tried = [lag for lag, tally in ladder.items() if tally.n]
    if not tried:
        return None
    return Reach(frontier(ladder), frontier_interval(ladder), min(tried), max(tried))


def table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Head and rows of T*, methods against panels."""
    head = ["Method", *(panel.label for panel in results.panels)]
    return head, [[method, *(cell(results, panel, method) for panel in results.panels)]
                  for method in results.methods]  # fmt: skip


def cell(results: Results, panel: Panel, method: str) -> str:
    """T* of a method: >= where no longer lag was tried, < the shortest lag where that was not bridged."""
    found = reach(results, panel, method)
    return NONE if found is None else str(found)


def chart(results: Results, panel: Panel) -> Spec | None:
    """T* of every method with its interval; open where the longest lag tried was bridged."""
    found = {method: reach(results, panel, method) for method in results.methods}
    known = {method: each for method, each in found.items() if each is not None}
    if not known:
        return None
    shortest, longest = min(e.shortest for e in known.values()), max(e.longest for e in known.values())
    rows = pd.DataFrame(
        {
            "method": method,
            "x": float(each.bridged or shortest / 1.35),
            "low": max(each.interval.low, shortest / 1.35),
            "high": min(each.interval.high, longest * 1.35) if each.interval.high else shortest / 1.35,
            "told": str(each),
            "end": "beyond" if each.open else "none" if each.bridged is None else "reached",
        }
        for method, each in known.items()
    )
    sheets = charts.Sheets()
    named = looks(results.methods)
    lags = sorted(set(results.of(panel, results.cases)["lag"]))
    shapes = alt.Scale(
        domain=["reached", "beyond", "none"], range=["circle", "triangle-right", "triangle-left"]
    )
    base = alt.Chart(sheets.add(rows, list(rows.columns))).encode(
        y=alt.Y(
            "method:N", sort=list(known), axis=alt.Axis(title=None, domain=False, ticks=False, labelLimit=230)
        ),
        color=charts.colour(named),
        opacity=charts.faded(),
        tooltip=["method:N", alt.Tooltip("told:N", title="T*")],
    )
    drawn = alt.layer(
        base.mark_rule(strokeWidth=2).encode(x=charts.lag_axis(lags, "low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=95).encode(
            x=charts.lag_axis(lags), shape=alt.Shape("end:N", scale=shapes, legend=None)
        ),
    )
    return charts.finish(drawn.add_params(charts.focus()), sheets, height=22 * len(known) + 6)
