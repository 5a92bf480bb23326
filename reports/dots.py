"""Charts of a task that was tried at one lag: a row a method, since there is no course to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from longlag.reports import charts
from longlag.reports.charts import Spec
from longlag.reports.packing import plain
from longlag.reports.palette import looks
from longlag.reports.results import Results


def one_lag(rows: pd.DataFrame) -> bool:
    """Whether all of `rows` are at the same lag."""
    return bool(rows["lag"].nunique() == 1)


def share(title: str) -> alt.X:
    """An axis for rates and errors, 0 to 100%."""
    return alt.X(
        "value:Q",
        scale=alt.Scale(domain=[-0.03, 1.03], nice=False),
        axis=alt.Axis(title=title, format="%", values=[0, 0.25, 0.5, 0.75, 1], grid=True),
    )


def dots(
    results: Results,
    rows: pd.DataFrame,
    x: alt.X,
    line: tuple[str, float, str] | None,
    shown: Sequence[str],
    told: str,
) -> Spec:
    """A mark each of `rows` at its `value`, those that `lost` as crosses, with its interval where it has one.

    `line`: chance or budget, where it lies, and what is said of it, or none. `shown`: the columns for the
    reader.
    """
    sheets = charts.Sheets()
    named = looks(results.methods)
    methods = [method for method in results.methods if method in set(rows["method"])]
    axis = alt.Axis(title=None, domain=False, ticks=False, labelLimit=230)
    columns = list(dict.fromkeys(["method", "lag", "value", "lost", *shown]))
    tooltip = [alt.Tooltip(f"{name}:N") for name in columns if name not in ("lost", "value")]
    base = alt.Chart(sheets.add(rows, columns, told)).encode(
        y=alt.Y("method:N", sort=methods, axis=axis),
        color=charts.colour(named),
        opacity=charts.faded(0.85),
        tooltip=tooltip,
    )
    layers: list[Any] = [] if line is None else [_line(*line)]
    if "low" in rows.columns:
        layers.append(base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2=alt.X2("high:Q")))
    held = base.transform_filter("!datum.lost")
    layers.append(held.mark_point(filled=True, size=70).encode(x=x, shape=charts.shape(named)))
    if rows["lost"].any():
        layers.append(base.transform_filter("datum.lost").mark_text(text="✕", fontSize=12).encode(x=x))
    chart = alt.layer(*layers)
    return charts.finish(chart, sheets, height=24 * len(methods) + 26)


def _line(name: str, value: float, label: str) -> charts.Layered:
    """A dashed line down the panel, its label at its foot."""
    source = alt.InlineData(values=[{name: plain(value), "label": label}])
    x = alt.X(f"{name}:Q")
    rule = alt.Chart(source).mark_rule(strokeDash=[5, 4], strokeWidth=1.2).encode(x=x)
    left = value > 0.5
    text = (
        alt.Chart(source)
        .mark_text(align="right" if left else "left", baseline="bottom", dx=-4 if left else 4)
        .encode(x=x, y=alt.value("height"), text=alt.Text("label:N"))
    )
    return alt.layer(rule, text)
