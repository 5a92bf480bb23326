"""What every chart shares: scales, the chance line, focus on one method, and the way onto a page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import altair as alt
import pandas as pd
import vl_convert

from longlag.reports.packing import numbers, plain
from longlag.reports.palette import Look

INK = "#7a7a7a"
GRID = "rgba(128, 128, 128, 0.22)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 240
STATIC_WIDTH = 460
CHANCE = "chance"
MOST_LABELS = 7
"""Lags that have room beside each other on an axis."""

CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "labelFontSize": 11,
        "gridColor": GRID,
        "domainColor": GRID,
        "tickColor": GRID,
    },
    "axisX": {"grid": False},
    "header": {"labelColor": INK, "labelFontSize": 12},
    "rule": {"color": INK},
    "text": {"color": INK, "fontSize": 11},
}

Spec = dict[str, Any]
"""A Vega-Lite specification."""

Layered = alt.LayerChart | alt.FacetChart
"""What Altair says that layering gives."""

FOCUSED = "focus === '' || datum.method === focus"


class Sheets(dict[str, list[dict[str, Any]]]):
    """The rows a chart shows, by name: kept beside the chart, since Altair copies what lies inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, str] = {}
        """What the rows are that a reader may have as a table; the others only help to draw."""

    def add(self, frame: pd.DataFrame, columns: Sequence[str], told: str = "") -> alt.NamedData:
        """The columns of `frame`; what is not finite becomes null, since JSON knows no NaN."""
        name = f"rows{len(self)}"
        self[name] = [
            dict(zip(columns, row, strict=True))
            for row in zip(*(_column(frame[column]) for column in columns), strict=True)
        ]
        if told:
            self.told[name] = told
        return alt.NamedData(name=name)


def _column(values: pd.Series[Any]) -> list[Any]:
    return numbers(values) if values.dtype.kind == "f" else [plain(value) for value in values.tolist()]


def focus() -> alt.Parameter:
    """The method a reader picked in the page's legend; empty for all."""
    return alt.param(name="focus", value="")


def faded(full: float = 1.0) -> alt.OpacityValue:
    """Opacity: what is not in focus steps back."""
    return alt.OpacityValue(0.08, condition={"test": FOCUSED, "value": full})


def colour(looks: Mapping[str, Look], legend: alt.Legend | None = None) -> alt.Color:
    """A method's colour; the page has one legend for all charts, a picture that stands alone its own."""
    scale = alt.Scale(domain=list(looks), range=[look.colour for look in looks.values()])
    return alt.Color("method:N", scale=scale, legend=legend)


def shape(looks: Mapping[str, Look], legend: alt.Legend | None = None) -> alt.Shape:
    """A method's sign."""
    scale = alt.Scale(domain=list(looks), range=[look.shape for look in looks.values()])
    return alt.Shape("method:N", scale=scale, legend=legend)


def sized(marks: pd.DataFrame) -> dict[str, Any]:
    """Of marks that stand for several `runs`, the channel that says so by their size."""
    if marks["runs"].max() <= 1:
        return {}
    scale = alt.Scale(type="sqrt", range=[14, 160])
    return {"size": alt.Size("runs:Q", scale=scale, legend=None)}


def dodged(frame: pd.DataFrame, methods: Sequence[str], spread: float = 0.16) -> pd.Series[float]:
    """Lags moved a little by method, so that equal rates stay apart; `spread` of the gap between rungs."""
    lags = sorted(set(frame["lag"].tolist()))
    steps = [math.log(b / a) for a, b in pairwise(lags)]
    width = spread * min(steps, default=0.5)
    place = {method: index - (len(methods) - 1) / 2 for index, method in enumerate(methods)}
    unit = 2 * width / max(1, len(methods) - 1)
    offset = frame["method"].map(place).astype(float) * unit
    return frame["lag"].astype(float) * offset.map(math.exp)


def lag_axis(lags: Iterable[int], field: str = "x:Q") -> alt.X:
    """A logarithmic axis of lags with a tick at each rung."""
    rungs = sorted(set(lags))
    domain = [rungs[0] / 1.35, rungs[-1] * 1.35]
    tens = [lag for lag in rungs if str(lag).strip("0") == "1"]
    # Those of a long climb have no room beside each other.
    few = len(rungs) > MOST_LABELS and len(tens) > 2
    other = f"indexof({tens}, datum.value) < 0"
    labels: dict[str, Any] = (
        {
            "labelExpr": f"{other} ? '' : datum.label",
            # Where a chart shows lines at all.
            "gridOpacity": {"condition": {"test": other, "value": 0}, "value": 1},
        }
        if few
        else {}
    )
    return alt.X(
        field,
        scale=alt.Scale(type="log", domain=domain, nice=False),
        axis=alt.Axis(values=rungs, format="d", title="lag (steps)", labelOverlap=True, **labels),
    )


def share_axis(field: str, title: str) -> alt.Y:
    """An axis for rates and errors: 0 to 100%."""
    return alt.Y(
        field,
        scale=alt.Scale(domain=[-0.12, 1.03], nice=False),
        axis=alt.Axis(title=title, format="%", values=[0, 0.25, 0.5, 0.75, 1]),
    )


def line_at(value: float, label: str, *, above: bool = True, name: str = CHANCE) -> Layered:
    """A dashed line across the panel with its label, for chance and for budgets."""
    source = alt.InlineData(values=[{name: plain(value), "label": label}])
    y = alt.Y(f"{name}:Q")
    rule = alt.Chart(source).mark_rule(strokeDash=[5, 4], strokeWidth=1.2).encode(y=y)
    text = (
        alt.Chart(source)
        .mark_text(align="right", baseline="bottom" if above else "top", dx=-2, dy=-3 if above else 4)
        .encode(y=y, x=alt.value("width"), text=alt.Text("label:N"))
    )
    return alt.layer(rule, text)


def finish(
    chart: Layered, sheets: Sheets, height: int = HEIGHT, params: Sequence[alt.Parameter] = ()
) -> Spec:
    """The Vega-Lite specification: as wide as its place on the page, with no address in it.

    `params`: what a reader can choose, besides the method in focus.
    """
    # Checked by the tests: to check every chart of every page takes most of its time.
    spec: Spec = chart.to_dict(validate=False)
    # Set here, because the chart and all its layers would be copied for each.
    spec |= {"width": "container", "height": height}
    parts = (each.param for each in (focus(), *params))
    spec["params"] = [part.to_dict() for part in parts if isinstance(part, alt.SchemaBase)]
    spec.pop("$schema", None)
    spec["datasets"] = spec.get("datasets", {}) | sheets
    spec["config"] = CONFIG
    spec["usermeta"] = {"tables": sheets.told}
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def static(spec: Spec) -> str:
    """The chart as an SVG data URI, for readers without JavaScript; nothing in an image can run."""
    # What a screen reader is told of every mark, it is not told of those in an image.
    plain_marks = {**spec, "width": STATIC_WIDTH, "config": {**spec["config"], "aria": False}}
    drawn = re.sub(r'( (?:d|transform|x|y|x1|x2|y1|y2)=")([^"]*)', _rounded, svg(plain_marks))
    # Escaped and not in base64, which makes a third more of it.
    return "data:image/svg+xml," + quote(drawn, safe=" ='()*,-./:;@!~$+?[]^`{|}")


def _rounded(attribute: re.Match[str]) -> str:
    """An attribute with its coordinates to a tenth of a pixel."""
    name, value = attribute.groups()
    return str(name) + re.sub(r"-?\d+\.\d{2,}(?!\d*e)", lambda found: f"{float(found.group()):.1f}", value)


def svg(spec: Spec) -> str:
    """A chart as SVG."""
    # a reader's font may be wider than the one that measured the labels
    room = {"padding": {"left": 28, "right": 5, "top": 5, "bottom": 5}}
    return str(vl_convert.vegalite_to_svg({**spec, **room}, vl_version=VEGA_LITE))


VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that is safe inside a `<script>` element."""
    # its stub leaves out that the snippet is optional
    source: str = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]
    return source.replace("</script", "<\\/script").replace("<!--", "\\x3C!--")
