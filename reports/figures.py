"""What the retests came to, in charts: each draws one panel, or nothing where there is nothing to show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from longlag.reports import charts
from longlag.reports.charts import Spec
from longlag.reports.crowds import crowd
from longlag.reports.dots import dots, one_lag, share
from longlag.reports.packing import packed
from longlag.reports.palette import looks, outcome_colour
from longlag.reports.results import Panel, Results


class Caption(NamedTuple):
    """What a chart says, in a sentence, and of how many runs."""

    says: str
    n: str


@dataclass(frozen=True)
class Drawn:
    """A panel's chart: its specification, the same packed for the page and as an image, and its caption."""

    panel: Panel
    spec: Spec
    packed: str
    image: str
    """Empty where the page has too many."""
    caption: Caption


Builder = Callable[[Results, Panel], Spec | None]
"""What makes a chart of a panel, or nothing where there is nothing to show."""


def draw(
    results: Results,
    builder: Builder,
    panels: Iterable[Panel],
    caption: Callable[[Results, Panel], Caption],
    pictured: bool = True,
) -> list[Drawn]:
    """One chart for each panel that has something to show; `pictured`: with its image."""
    specs = ((panel, builder(results, panel)) for panel in panels)
    return [
        drawn(panel, spec, caption(results, panel), pictured) for panel, spec in specs if spec is not None
    ]


def drawn(panel: Panel, spec: Spec, caption: Caption, pictured: bool) -> Drawn:
    """A chart in all its forms."""
    return Drawn(panel, spec, packed(spec), charts.static(spec) if pictured else "", caption)


def ladder(results: Results, panel: Panel) -> Spec | None:
    """Success rate against lag, with Wilson intervals."""
    sheets = charts.Sheets()
    cases = results.cases_of(panel)
    cases = cases[cases["n"] > 0]
    if cases.empty:
        return None
    named = looks(results.methods)
    told = cases["solved"].astype(str) + "/" + cases["n"].astype(str)
    if one_lag(cases):
        rows = cases.assign(value=cases["rate"], told=told, lost=False)
        line = "chance", 0.0, "chance: a trivial predictor solves none"
        return dots(results, rows, share("retests solved"), line, ["told", "rate", "low", "high"], "cases")
    cases = cases.assign(x=charts.dodged(cases, results.methods), told=told)
    data = sheets.add(cases, ["method", "lag", "x", "rate", "low", "high", "told"], "cases")
    base = alt.Chart(data).encode(
        x=charts.lag_axis(cases["lag"]), color=charts.colour(named), opacity=charts.faded()
    )
    y = charts.share_axis("rate:Q", "retests solved")
    tooltip = [
        alt.Tooltip("method:N"),
        alt.Tooltip("lag:Q"),
        alt.Tooltip("told:N", title="solved"),
        *_between(),
    ]
    chart = alt.layer(
        charts.line_at(0.0, "chance: a trivial predictor solves none", above=False),
        base.mark_rule(strokeWidth=1.5).encode(
            y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=charts.colour(named)
        ),
        base.mark_line(strokeWidth=2).encode(y=y),
        base.mark_point(filled=True, size=75).encode(
            y=y, shape=charts.shape(named), tooltip=tooltip, opacity=charts.faded()
        ),
    )
    return charts.finish(chart, sheets)


def _between() -> list[alt.Tooltip]:
    return [alt.Tooltip("low:Q", format=".2f"), alt.Tooltip("high:Q", format=".2f")]


def errors(results: Results, panel: Panel) -> Spec | None:
    """Each retest's error on fresh sequences against lag, their median, and chance at every lag."""
    sheets = charts.Sheets()
    runs = results.of(panel, results.retests)
    runs = runs[runs["error"].notna()]
    if runs.empty:
        return None
    named = looks(results.methods)
    if one_lag(runs):
        rows = crowd(runs, ["method", "lag"], "error").assign(value=lambda each: each["error"], lost=False)
        chance = float(runs["chance"].iloc[0])
        return dots(
            results,
            rows,
            share("sequences wrong"),
            ("chance", chance, "chance"),
            ["error", "status"],
            "retests",
        )
    runs = runs.assign(x=charts.dodged(runs, results.methods))
    marks = crowd(runs, ["method", "lag"], "error")
    rungs = runs.groupby("lag", as_index=False)["chance"].first()
    # past the rungs, so that a ladder of one rung has a line too
    ends = pd.concat([rungs, rungs.iloc[[0]].assign(lag=rungs["lag"].iloc[0] / 1.35)])
    ends = pd.concat([ends, rungs.iloc[[-1]].assign(lag=rungs["lag"].iloc[-1] * 1.35)])
    chance = ends.sort_values("lag").assign(x=lambda rows: rows["lag"].astype(float), label="chance")
    middle = runs.groupby(["method", "lag", "x"])[["error"]].median().reset_index()
    x, y = charts.lag_axis(runs["lag"]), charts.share_axis("error:Q", "sequences wrong")
    base = alt.Chart(sheets.add(marks, ["method", "lag", "x", "error", "status", "runs"], "retests"))
    at_chance = alt.Chart(sheets.add(chance, ["x", "chance", "label"]))
    chart = alt.layer(
        at_chance.mark_line(strokeDash=[5, 4], strokeWidth=1.2, color=charts.INK).encode(
            x=x, y=alt.Y("chance:Q")
        ),
        alt.Chart(sheets.add(chance.iloc[[-1]], ["x", "chance", "label"]))
        .mark_text(align="right", baseline="bottom", dy=-3)
        .encode(x=x, y=alt.Y("chance:Q"), text=alt.Text("label:N")),
        base.mark_point(size=28, strokeWidth=1).encode(
            x=x,
            y=y,
            **charts.sized(marks),
            color=charts.colour(named),
            shape=charts.shape(named),
            opacity=charts.faded(0.55),
            tooltip=[
                alt.Tooltip("method:N"),
                alt.Tooltip("lag:Q"),
                alt.Tooltip("error:Q", format=".2%"),
                alt.Tooltip("status:N"),
                alt.Tooltip("runs:Q"),
            ],
        ),
        alt.Chart(sheets.add(middle, ["method", "lag", "x", "error"], "medians"))
        .mark_line(strokeWidth=2)
        .encode(x=x, y=y, color=charts.colour(named), opacity=charts.faded()),
    )
    return charts.finish(chart, sheets)


def cost(results: Results, panel: Panel) -> Spec | None:
    """FLOPs to solve of every retest; what was never solved stands at the budget, as a cross."""
    sheets = charts.Sheets()
    runs = results.of(panel, results.retests)
    if runs.empty:
        return None
    named = looks(results.methods)
    won = runs["solved"].astype(bool)
    budget = float(runs["budget"].max())
    runs = runs.assign(x=charts.dodged(runs, results.methods, 0.3))
    runs["shown"] = runs["flops_to_solve"].where(won, runs["budget"])
    runs = crowd(runs, ["method", "lag", "solved"], "shown", log=True)
    won = runs["solved"].astype(bool)
    # On a climb the budget grows with the lag, and several campaigns may have several.
    one = runs["budget"].nunique() == 1
    if one_lag(runs):
        scale = alt.Scale(type="log", nice=False, padding=12)
        x = alt.X("value:Q", scale=scale, axis=alt.Axis(title="FLOPs to solve", format="~e", tickCount=5))
        rows = runs.assign(value=runs["shown"], lost=~won)
        line = ("budget", budget, "budget (✕ unsolved)") if one else None
        return dots(results, rows, x, line, ["shown", "status"], "retests")
    # crosses of one case would hide each other
    runs["x"] *= 1 + 0.012 * (runs["trial"] - runs.groupby(["method", "lag"])["trial"].transform("mean"))
    columns = ["method", "lag", "x", "shown", "status", "flops", "runs"]
    x = charts.lag_axis(runs["lag"])
    y = alt.Y(
        "shown:Q",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(title="FLOPs to solve", format="~e", tickCount=5, grid=False),
    )
    tooltip = [
        alt.Tooltip("method:N"),
        alt.Tooltip("lag:Q"),
        alt.Tooltip("shown:Q", format=".3~e", title="FLOPs"),
        alt.Tooltip("status:N"),
        alt.Tooltip("runs:Q"),
    ]
    layers: list[Any] = [charts.line_at(budget, "budget (✕ unsolved)", name="budget")] if one else []
    if won.any():
        solved = alt.Chart(sheets.add(runs[won], columns, "solved"))
        layers.append(
            solved.mark_point(filled=True, size=48).encode(
                x=x,
                y=y,
                color=charts.colour(named),
                shape=charts.shape(named),
                opacity=charts.faded(0.8),
                tooltip=tooltip,
                **charts.sized(runs),
            )
        )
    if not won.all():
        unsolved = alt.Chart(sheets.add(runs[~won], columns, "unsolved, at the budget"))
        layers.append(
            unsolved.mark_text(text="✕", fontSize=12).encode(
                x=x, y=y, color=charts.colour(named), opacity=charts.faded(0.8), tooltip=tooltip
            )
        )
    return charts.finish(alt.layer(*layers), sheets)


def outcomes(results: Results, panel: Panel) -> Spec | None:
    """How the unsolved retests ended, stacked, for the cases that have any."""
    sheets = charts.Sheets()
    runs = results.of(panel, results.retests)
    lost = runs[~runs["solved"].astype(bool)]
    if lost.empty:
        return None
    counts = lost.groupby(["method", "lag", "status"], as_index=False).size()
    total = runs.groupby(["method", "lag"]).size()
    counts["case"] = [
        f"{method}, lag {lag}" for method, lag in zip(counts["method"], counts["lag"], strict=True)
    ]
    counts["of"] = [int(total.loc[key]) for key in zip(counts["method"], counts["lag"], strict=True)]
    place = {method: rank for rank, method in enumerate(results.methods)}
    ordered = sorted({(place[m], lag, case) for m, lag, case in
                      zip(counts["method"], counts["lag"], counts["case"], strict=True)})  # fmt: skip
    names = [case for _, _, case in ordered]
    statuses = sorted(set(counts["status"]))
    most = int(counts.groupby("case")["size"].sum().max())
    whole = list(range(0, most + 1, -(-most // 5)))
    chart = (
        alt.Chart(sheets.add(counts, ["method", "lag", "status", "size", "case", "of"], "unsolved retests"))
        .mark_bar(height={"band": 0.72})
        .encode(
            x=alt.X("sum(size):Q", axis=alt.Axis(title="unsolved retests", values=whole, format="d")),
            y=alt.Y(
                "case:N", sort=names, axis=alt.Axis(title=None, labelLimit=230, domain=False, ticks=False)
            ),
            color=alt.Color(
                "status:N",
                scale=alt.Scale(domain=statuses, range=[outcome_colour(each) for each in statuses]),
                legend=None,
            ),
            opacity=charts.faded(),
            tooltip=[
                alt.Tooltip("case:N"),
                alt.Tooltip("status:N"),
                alt.Tooltip("size:Q", title="retests"),
                alt.Tooltip("of:Q", title="of"),
            ],
        )
    )
    return charts.finish(alt.layer(chart), sheets, height=18 * len(names) + 6)


def statuses(results: Results) -> Iterator[tuple[str, str]]:
    """The outcomes of unsolved retests with their colours, for the legend."""
    lost = results.retests[~results.retests["solved"].astype(bool)]
    yield from ((status, outcome_colour(status)) for status in sorted(set(lost["status"])))
