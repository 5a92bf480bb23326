"""Every figure at the sizes of papers, as SVG, PNG and PDF, and every table, as CSV, Markdown and LaTeX."""

from __future__ import annotations

import copy
import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import vl_convert

from longlag.reports import charts, knob_charts
from longlag.reports.charts import Spec
from longlag.reports.results import Panel, Results
from longlag.reports.statistic_sheets import every_sheet
from longlag.reports.tables import LATEX_HEAD, sheet_latex, sheet_markdown

PIXELS, POINTS = 96, 72
"""An inch of SVG, and of PDF."""
WIDTHS = {"one": 3.25, "two": 6.75}
"""Inches of one column, and of both: those of ICML; IEEE's and ACM's are a little wider."""
SCALE = 4
"""Of a PNG: 384 dots an inch."""
LETTER = 6.2
"""Pixels of a legend's letter, at most."""
SIGN = 34
"""Pixels of a legend's sign and the space about it."""
INK = "#333333"


def figures(results: Results, specs: Iterator[tuple[str, Panel, Spec]]) -> Iterator[tuple[str, bytes]]:
    """The files of every chart, by name: in each form at each width, and the rows behind it as CSV."""
    for name, panel, spec in specs:
        stem = _stem(name, panel)
        for width, inches in WIDTHS.items():
            drawn = charts.svg(sized(results, spec, inches * PIXELS))
            yield f"{stem}_{width}.svg", drawn.encode()
            yield f"{stem}_{width}.png", vl_convert.svg_to_png(drawn, scale=SCALE)
            yield f"{stem}_{width}.pdf", vl_convert.svg_to_pdf(_in_points(drawn))
        for key, title in spec["usermeta"]["tables"].items():
            if spec["datasets"][key]:
                yield f"{stem}_{_plain(title)}.csv", _rows(spec["datasets"][key]).encode()


def sized(results: Results, spec: Spec, pixels: float) -> Spec:
    """A chart of the page for paper: so wide in all, with a legend of its methods, in dark ink on nothing."""
    made: Spec = copy.deepcopy({key: value for key, value in spec.items() if key != "datasets"})
    made["datasets"] = spec["datasets"]
    made["width"] = round(pixels)
    made["autosize"] = {"type": "fit", "contains": "padding"}
    made["config"] = {**charts.CONFIG, **{part: {**charts.CONFIG[part], **_INKED[part]} for part in _INKED}}
    shown = [method for method in results.methods if method in _methods(spec)]
    for channel in _channels(made, "method"):
        channel["legend"] = _legend(shown, pixels)
    if any(True for _ in _channels(made, "method")):
        made["height"] = made["height"] + 16 * -(-len(shown) // across(shown, pixels)) + 14
    return made


_INKED: dict[str, dict[str, str]] = {
    "axis": {"labelColor": INK, "titleColor": INK},
    "text": {"color": INK},
    "rule": {"color": INK},
}


def _in_points(svg: str) -> str:
    """An SVG in the points that PDF counts in, so that its inches stay."""

    def shrunk(found: re.Match[str]) -> str:
        return f'{found.group(1)}="{float(found.group(2)) * POINTS / PIXELS:g}"'

    head, rest = svg.split(">", 1)
    return re.sub(r'\b(width|height)="([\d.]+)"', shrunk, head) + ">" + rest


def across(methods: list[str], pixels: float) -> int:
    """How many names stand side by side without one lying over the next."""
    longest = max(map(len, methods), default=1)
    return max(1, int(pixels // (longest * LETTER + SIGN)))


def _legend(methods: list[str], pixels: float) -> dict[str, Any]:
    return {
        "title": None,
        "orient": "bottom",
        "columns": across(methods, pixels),
        "values": methods,
        "labelLimit": round(pixels),
        "symbolOpacity": 1,
        "labelColor": INK,
    }


def _methods(spec: Spec) -> set[str]:
    return {str(row["method"]) for rows in spec["datasets"].values() for row in rows if "method" in row}


def _channels(spec: Any, field: str) -> Iterator[dict[str, Any]]:
    """Every colour or shape channel of `field`, however deep its layer lies."""
    for layer in spec.get("layer", []):
        yield from _channels(layer, field)
    for name in ("color", "shape"):
        channel = spec.get("encoding", {}).get(name, {})
        if channel.get("field") == field:
            yield channel


def _rows(rows: list[dict[str, Any]]) -> str:
    written = io.StringIO()
    table = csv.DictWriter(written, [key for key in rows[0] if key != "x"], extrasaction="ignore")
    table.writeheader()
    table.writerows(rows)
    return written.getvalue()


def tables(results: Results) -> Iterator[tuple[str, str]]:
    """The files of every table, by name."""
    for sheet in every_sheet(results):
        written = io.StringIO()
        csv.writer(written).writerows([sheet.head, *sheet.rows])
        yield f"{sheet.name}.csv", written.getvalue()
        yield f"{sheet.name}.md", "\n".join(sheet_markdown(sheet))
        yield f"{sheet.name}.tex", LATEX_HEAD + sheet_latex(sheet)


def specs(results: Results) -> Iterator[tuple[str, Panel, Spec]]:
    """Every chart of the page, with the name of its figure and its panel."""
    from longlag.reports.page import BUILDERS, OVERALL

    for name, builder in {**BUILDERS, **OVERALL}.items():
        for panel in results.panels if name in BUILDERS else results.overall:
            if (spec := builder(results, panel)) is not None:
                yield name, panel, spec
    for panel, spec, _ in knob_charts.slices(results):
        yield "slice", panel, spec


def _stem(name: str, panel: Panel) -> str:
    return f"{name}_{_plain(panel.label)}"


def _plain(text: str) -> str:
    """A text as a part of a file's name."""
    return re.sub(r"\W+", "_", text).strip("_")
