"""What a longer lag costs: how the sequences that solving took grow with the lag, where it was bridged."""

from __future__ import annotations

from typing import NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from longlag.reports import charts
from longlag.reports.palette import looks
from longlag.reports.results import Panel, Results
from longlag.reports.statistics import Interval, slope

LEAST = 4
"""Lags that a method must bridge on a task before an exponent is told."""
_SIZE = {"width": 190, "height": 150}


class Growth(NamedTuple):
    """The exponent b of sequences ~ lag^b, and its interval."""

    exponent: float
    interval: Interval

    def __str__(self) -> str:
        """Two digits after the point, as all of a table have."""
        told = [f"{value:.2f}".replace("-0.00", "0.00") for value in (self.exponent, *self.interval)]
        return f"{told[0]} [{told[1]}, {told[2]}]"


def took(results: Results, panel: Panel) -> pd.DataFrame:
    """The geometric mean of the sequences that solving retests took, and its log, at each lag up to T*."""
    rows = results.of(panel, results.retests)
    longest = rows["method"].map({each: results.frontier(panel, each) or 0 for each in results.methods})
    rows = rows[rows["solved"].astype(bool) & (rows["lag"] <= longest)]
    rows = rows.assign(log=np.log(rows["sequences_to_solve"].astype(float)))
    means = rows.groupby(["method", "lag"])["log"].mean().reset_index()
    return means.assign(sequences=np.exp(means["log"]))


def growth(results: Results, panel: Panel) -> dict[str, Growth]:
    """How the sequences grow with the lag on a task, by method: of those that bridge LEAST lags or more."""
    climbs = took(results, panel).groupby("method")
    return {
        str(method): Growth(*slope(np.log(climb["lag"]), climb["log"]))
        for method, climb in climbs
        if len(climb) >= LEAST
    }


def picture(results: Results) -> str | None:
    """What solving took against the lag, a panel a task of which an exponent can be told, as SVG."""
    told = [panel for panel in results.panels if growth(results, panel)]
    if not told:
        return None
    rows = pd.concat([took(results, panel).assign(panel=panel.label) for panel in told])
    # The same picture on every processor.
    rows["sequences"] = [float(f"{value:.4g}") for value in rows["sequences"]]
    named = {name: look for name, look in looks(results.methods).items() if name in set(rows["method"])}
    sheets = charts.Sheets()
    legend = alt.Legend(orient="top", title=None, columns=0, labelColor=charts.INK, symbolSize=60)
    base = alt.Chart(sheets.add(rows, ["panel", "method", "lag", "sequences"])).encode(
        x=charts.lag_axis(rows["lag"], "lag:Q"),
        y=alt.Y(
            "sequences:Q",
            scale=alt.Scale(type="log", nice=False, padding=6),
            axis=alt.Axis(title="sequences to solve", format="~s", tickCount=4),
        ),
        color=charts.colour(named, legend),
    )
    drawn = alt.layer(
        base.mark_line(strokeWidth=1.8),
        base.mark_point(filled=True, size=34).encode(shape=charts.shape(named, legend)),
    )
    panels = alt.Facet("panel:N", title=None, sort=[panel.label for panel in told])
    whole = drawn.properties(**_SIZE).facet(panels, columns=4)
    return charts.svg({**whole.to_dict(), "datasets": sheets, "config": charts.CONFIG})
