"""What solving took at each lag, on any of five axes: compute, data, updates, time, and memory."""

from __future__ import annotations

import altair as alt
import pandas as pd

from longlag.reports import charts
from longlag.reports.charts import Spec
from longlag.reports.palette import looks
from longlag.reports.results import Panel, Results

AXES = {
    "state bytes": "state_bytes",
    "FLOPs": "median_flops_to_solve",
    "sequences": "median_sequences_to_solve",
    "updates": "median_updates_to_solve",
    "seconds": "seconds",
}
"""What a chart may show, and the column of a case that has it, or of the runs that solved it."""


def paid(results: Results, panel: Panel) -> pd.DataFrame:
    """Of each case that some retest solved, what it took by each axis where that is known: long form."""
    cases = results.cases_of(panel)
    # A run's seconds are all its own: those that solved nothing went on to the end of their budget.
    won = results.of(panel, results.retests)
    seconds = won[won["solved"].astype(bool)].groupby(["method", "lag"])["seconds"].median()
    cases = cases[cases["solved"] > 0].join(seconds, on=["method", "lag"])
    cases = cases.rename(columns={column: name for name, column in AXES.items()})
    rows = cases.melt(id_vars=["method", "lag"], value_vars=list(AXES), var_name="measure")
    return rows[rows["value"] > 0]


def chart(results: Results, panel: Panel) -> Spec | None:
    """What solving took against the lag, a line a method; a reader chooses of five what to see."""
    rows = paid(results, panel)
    if rows.empty:
        return None
    sheets = charts.Sheets()
    named = looks(results.methods)
    base = (
        alt.Chart(sheets.add(rows, ["method", "lag", "measure", "value"], "medians"))
        .transform_filter("datum.measure === measure")
        .encode(
            x=charts.lag_axis(rows["lag"], "lag:Q"),
            y=alt.Y(
                "value:Q",
                scale=alt.Scale(type="log", nice=False, padding=8),
                axis=alt.Axis(title=None, format=".3~s", tickCount=5),
            ),
            color=charts.colour(named),
            opacity=charts.faded(),
            tooltip=[
                alt.Tooltip("method:N"),
                alt.Tooltip("lag:Q"),
                alt.Tooltip("value:Q", format=",.4~g"),
            ],
        )
    )
    drawn = alt.layer(
        base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=40).encode(shape=charts.shape(named))
    )
    shown = [name for name in AXES if name in set(rows["measure"])]
    choice = alt.param(name="measure", value=shown[0], bind=alt.binding_select(options=shown, name="show "))
    return charts.finish(drawn, sheets, params=[choice])
