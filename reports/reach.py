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
    """NaN without any retests."""
    shortest: int
    """The shortest lag that it was tried at."""
    longest: int
    """The longest that it was retested at; without retests the shortest tried."""
    stop: int | None = None
    """The first lag beyond T* that was tried, which is not bridged or lies beyond a gap; None: none was."""

    @property
    def open(self) -> bool:
        """Whether the longest lag tried was bridged: T* may be longer."""
        return self.stop is None

    @property
    def outside(self) -> bool:
        """Whether T* lies outside its interval."""
        low, high = self.interval
        return self.bridged is not None and not (self.open or low <= self.bridged <= high)

    def __str__(self) -> str:
        if self.bridged is None:
            return f"< {self.shortest}"
        reached = f"≥ {self.bridged}" if self.open else str(self.bridged)
        return f"{reached} [{self._end(self.interval.low)}, {self._end(self.interval.high)}]"

    def _end(self, end: float) -> str:
        """An end of the interval, which may lie below or above all lags that were tried."""
        if end == 0:
            return f"< {self.shortest}"
        return f"> {self.longest}" if math.isinf(end) else _plain(f"{end:.2g}")


def _plain(end: str) -> str:
    """An end of two digits without its exponent."""
    return f"{float(end):.0f}" if "e" in end else end


def reach(results: Results, panel: Panel, method: str) -> Reach | None:
    """How far a method came; None where it was not tried.

    A lag was tried that has retests, or none since every trial of its tuning failed: a timeout in all of them
    ends a climb as well. What an unfinished campaign has only tuned yet is no stop.
    """
    ladder = results.ladder(panel, method)
    retested = [lag for lag, tally in ladder.items() if tally.n]
    tried = [lag for lag in ladder if lag in retested or _ended(results, panel, method, lag)]
    if not tried:
        return None
    bridged = frontier(ladder)
    return Reach(
        bridged,
        frontier_interval(ladder),
        min(tried),
        max(retested, default=min(tried)),
        next((lag for lag in tried if lag > (bridged or 0)), None),
    )


def _ended(results: Results, panel: Panel, method: str, lag: int) -> bool:
    """Whether a campaign that came to its end has trials of a case."""
    case = results.case(panel, method, lag)
    return case is not None and results.campaigns[case.campaign].manifest.finished is not None


def untold(results: Results, panel: Panel, method: str, lag: int) -> str:
    """How the tuning of a case ended that has no retests; empty where it has some."""
    case = results.case(panel, method, lag)
    if case is None or case.n:
        return ""
    tuned = results.of(panel, results.tuning)
    tuned = tuned[(tuned["method"] == method) & (tuned["lag"] == lag)]
    ended = ", ".join(f"{status} {count}" for status, count in tuned["status"].value_counts().items())
    return f"no retests; tuning: {ended}"


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
    rows = _rows(results, panel)
    if rows.empty:
        return None
    sheets = charts.Sheets()
    drawn = _layers(results, rows, sheets.add(rows, list(rows.columns), "methods"))
    return charts.finish(drawn, sheets, height=22 * len(rows) + 6)


def picture(results: Results) -> str | None:
    """The same of all panels as one SVG, for pages that run nothing; None where nothing was tried."""
    found = [rows for panel in results.panels if not (rows := _rows(results, panel)).empty]
    if not found:
        return None
    rows = pd.concat(found)
    sheets = charts.Sheets()
    drawn = _layers(results, rows, sheets.add(rows, list(rows.columns))).add_params(charts.focus())
    assert isinstance(drawn, alt.LayerChart)
    panels = alt.Facet("panel:N", title=None, sort=[panel.label for panel in results.panels])
    columns = 4 if len(found) == 4 else 3
    sized = drawn.properties(width=190, height=22 * rows["method"].nunique()).facet(panels, columns=columns)
    # The axis stands below the last panels alone; its lines go through all.
    config = {**charts.CONFIG, "axisX": {"grid": True, "gridColor": charts.GRID}}
    return charts.svg({**sized.to_dict(), "datasets": sheets, "config": config})


def _rows(results: Results, panel: Panel) -> pd.DataFrame:
    """What is drawn of a panel, a row a method."""
    found = {method: reach(results, panel, method) for method in results.methods}
    known = {method: each for method, each in found.items() if each is not None}
    if not known:
        return pd.DataFrame()
    return pd.DataFrame(
        {
            "panel": panel.label,
            "method": method,
            "told": str(each),
            "end": "beyond" if each.open else "none" if each.bridged is None else "reached",
            **_drawn(each),
        }
        for method, each in known.items()
    )


def _drawn(each: Reach) -> dict[str, float]:
    """Where T* is drawn, its interval, and how far its ends go on where they lie beyond the lags tried."""
    # Within the axis, which reaches a little farther.
    least, most = each.shortest / 1.25, each.longest * 1.35
    bridged = float(each.bridged or least)
    if math.isnan(each.interval.low):
        # Without retests there is no interval.
        return {"x": bridged, "from": least, "low": least, "high": least, "to": least}
    below, above = each.interval.low == 0, math.isinf(each.interval.high)
    low = each.shortest if below else min(max(each.interval.low, least), most)
    high = each.longest if above else min(max(each.interval.high, least), most)
    drawn = {
        "x": bridged,
        "from": least if below else low,
        "low": min(low, high) if below else low,
        "high": max(low, high) if above else high,
        "to": most if above else high,
    }
    # The same picture on every processor.
    return {name: float(f"{value:.5g}") for name, value in drawn.items()}


def _layers(results: Results, rows: pd.DataFrame, data: alt.NamedData) -> charts.Layered:
    named = looks(results.methods)
    panels = set(rows["panel"])
    cases = pd.concat([results.cases_of(panel) for panel in results.panels if panel.label in panels])
    axis = alt.Axis(title=None, domain=False, ticks=False, labelLimit=230)
    shapes = ["circle", "triangle-right", "triangle-left"]
    ends = alt.Scale(domain=["reached", "beyond", "none"], range=shapes)
    base = alt.Chart(data).encode(
        y=alt.Y(
            "method:N", sort=[each for each in results.methods if each in set(rows["method"])], axis=axis
        ),
        color=charts.colour(named),
        opacity=charts.faded(),
        tooltip=[alt.Tooltip("method:N"), alt.Tooltip("told:N", title="T*")],
    )
    return alt.layer(
        base.mark_rule(strokeWidth=2).encode(x=charts.lag_axis(cases["lag"], "low:Q"), x2=alt.X2("high:Q")),
        *(
            base.mark_rule(strokeWidth=1, strokeDash=[1.5, 1.5]).encode(
                x=charts.lag_axis(cases["lag"], f"{start}:Q"), x2=alt.X2(f"{end}:Q")
            )
            for start, end in (("from", "low"), ("high", "to"))
        ),
        base.mark_point(filled=True, size=95).encode(
            x=charts.lag_axis(cases["lag"]), shape=alt.Shape("end:N", scale=ends, legend=None)
        ),
    )
