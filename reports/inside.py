"""What happens inside the nets while they train: probes of the retests, from the first update to the last."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from longlag.reports import charts
from longlag.reports.charts import Spec
from longlag.reports.curves import first_lag, lag_choice
from longlag.reports.palette import looks
from longlag.reports.results import KEYS, Panel, Results

MEASURES = {
    "spectral radius": "spectral_radius",
    "saturated units (share)": "saturated",
    "gradient farthest back, of the largest (log10)": "reach",
}
"""What a reader can choose, and its column."""


def stages(results: Results) -> pd.DataFrame:
    """Medians over the runs of a case, a row a case and `stage`: its `updates`, and the measures.

    A stage is before, after, or one of the probes between, by how many digits its updates have.
    """
    known = results.probes[results.probes["updates"].notna()]
    # A row a probe: the gradient's norms are several, the other columns the same in all of them.
    found = known.groupby(["run_id", *KEYS, "moment", "updates"], sort=False, as_index=False).agg(
        spectral_radius=("spectral_radius", "first"),
        saturated=("saturated", "first"),
        largest=("gradient_norm", "max"),
        last=("gradient_norm", "last"),
    )
    share = (found["last"] / found["largest"]).astype(float)
    digits = np.log10(found["updates"].clip(lower=1)).astype(int)
    order = found["moment"].map({"before": -1, "during": 0, "after": 99}).astype(int)
    found = found.assign(
        reach=np.log10(share.where(share > 0)), stage=order + digits.where(found["moment"] == "during", 0)
    )
    middle = found.groupby([*KEYS, "stage"], as_index=False)[["updates", *MEASURES.values()]].median()
    return middle.sort_values([*KEYS, "stage"], kind="stable")


def _known(middle: pd.DataFrame) -> list[str]:
    """The measures that a chart of these medians can show, the first of which it opens with."""
    return [name for name, column in MEASURES.items() if middle[column].notna().any()]


def shown_first(results: Results, panel: Panel) -> tuple[str, pd.DataFrame]:
    """The measure that the chart opens with, and the cases at its lag, as they ended."""
    middle = results.of(panel, results.once(stages))
    known, ends = _known(middle), middle[middle["stage"] == middle["stage"].max()]
    if not known or ends.empty:
        return "", ends
    measure = known[0]
    ends = ends[ends["lag"] == first_lag(results, panel, middle)].rename(columns={MEASURES[measure]: "value"})
    return measure, ends[ends["value"].notna()]


def chart(results: Results, panel: Panel) -> Spec | None:
    """A measure of the nets against the updates made, a line a method; a reader chooses measure and lag."""
    middle = results.of(panel, results.once(stages))
    rows = middle.rename(columns={column: name for name, column in MEASURES.items()}).melt(
        id_vars=["method", "lag", "stage", "updates"], value_vars=list(MEASURES), var_name="measure"
    )
    rows = rows[rows["value"].notna()]
    if rows.empty:
        return None
    sheets = charts.Sheets()
    named = looks(results.methods)
    base = (
        alt.Chart(sheets.add(rows, ["method", "lag", "updates", "measure", "value"], "medians"))
        .transform_filter("datum.lag === lag && datum.measure === measure")
        .encode(
            # Not logarithmic, because the first probe is at 0.
            x=alt.X(
                "updates:Q",
                scale=alt.Scale(type="symlog", constant=30, nice=False),
                axis=alt.Axis(title="updates", format=",d", tickCount=6, labelOverlap=True),
            ),
            y=alt.Y("value:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title=None, tickCount=5)),
            color=charts.colour(named),
            opacity=charts.faded(),
            tooltip=[
                alt.Tooltip("method:N"),
                alt.Tooltip("updates:Q", format=",.0f"),
                alt.Tooltip("value:Q", format=".3~g"),
            ],
        )
    )
    drawn = alt.layer(
        base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=40).encode(shape=charts.shape(named))
    )
    shown = _known(middle)
    choice = alt.param(name="measure", value=shown[0], bind=alt.binding_select(options=shown, name="show "))
    return charts.finish(drawn, sheets, params=[lag_choice(results, panel, rows), choice])
