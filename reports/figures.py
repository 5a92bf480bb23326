"""The figures of the page: each draws one panel, or nothing where there is nothing to show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from reports import charts
from reports.palette import Look, looks, outcome_colour
from reports.results import Panel, Results

COSTS = {"flops": "FLOPs", "sequences": "sequences", "updates": "updates", "seconds": "seconds"}
POINTS_A_PANEL = 9000

Spec = dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """A panel's chart: its specification, and the same as an image."""

    panel: Panel
    spec: Spec
    image: str


def draw(results: Results, builder: Callable[[Results, Panel], Spec | None]) -> list[Drawn]:
    """One chart for each panel that has something to show."""
    specs = ((panel, builder(results, panel)) for panel in results.panels)
    return [Drawn(panel, spec, charts.static(spec)) for panel, spec in specs if spec is not None]


def ladder(results: Results, panel: Panel) -> Spec | None:
    """Success rate against lag, with Wilson intervals."""
    sheets = charts.Sheets()
    cases = results.of(panel, results.cases)
    cases = cases[cases["n"] > 0]
    if cases.empty:
        return None
    named = looks(results.methods)
    told = cases["solved"].astype(str) + "/" + cases["n"].astype(str)
    cases = cases.assign(x=charts.dodged(cases, results.methods), told=told)
    data = sheets.add(cases, ["method", "lag", "x", "rate", "low", "high", "told"])
    base = alt.Chart(data).encode(
        x=charts.lag_axis(cases["lag"]), color=charts.colour(named), opacity=charts.faded()
    )
    y = charts.share_axis("rate:Q", "retests solved")
    tooltip = ["method:N", "lag:Q", alt.Tooltip("told:N", title="solved"), *_between()]
    chart = alt.layer(
        charts.line_at(0.0, "chance: a trivial predictor solves none", above=False),
        base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q"), y2="high:Q", color=charts.colour(named)),
        base.mark_line(strokeWidth=2).encode(y=y),
        base.mark_point(filled=True, size=75).encode(
            y=y, shape=charts.shape(named), tooltip=tooltip, opacity=charts.faded()
        ),
    )
    return charts.finish(chart.add_params(charts.focus()), sheets)


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
    runs = runs.assign(x=charts.dodged(runs, results.methods))
    rungs = runs.groupby("lag", as_index=False)["chance"].first()
    # past the rungs, so that a ladder of one rung has a line too
    ends = pd.concat([rungs, rungs.iloc[[0]].assign(lag=rungs["lag"].iloc[0] / 1.35)])
    ends = pd.concat([ends, rungs.iloc[[-1]].assign(lag=rungs["lag"].iloc[-1] * 1.35)])
    chance = ends.sort_values("lag").assign(x=lambda rows: rows["lag"].astype(float), label="chance")
    middle = runs.groupby(["method", "lag", "x"], as_index=False)["error"].median()
    x, y = charts.lag_axis(runs["lag"]), charts.share_axis("error:Q", "sequences wrong")
    base = alt.Chart(sheets.add(runs, ["method", "lag", "x", "error", "status"]))
    at_chance = alt.Chart(sheets.add(chance, ["x", "chance", "label"]))
    chart = alt.layer(
        at_chance.mark_line(strokeDash=[5, 4], strokeWidth=1.2, color=charts.INK).encode(x=x, y="chance:Q"),
        alt.Chart(sheets.add(chance.iloc[[-1]], ["x", "chance", "label"]))
        .mark_text(align="right", baseline="bottom", dy=-3)
        .encode(x=x, y="chance:Q", text="label:N"),
        base.mark_point(size=28, strokeWidth=1).encode(
            x=x,
            y=y,
            color=charts.colour(named),
            shape=charts.shape(named),
            opacity=charts.faded(0.55),
            tooltip=["method:N", "lag:Q", alt.Tooltip("error:Q", format=".2%"), "status:N"],
        ),
        alt.Chart(sheets.add(middle, ["method", "lag", "x", "error"]))
        .mark_line(strokeWidth=2)
        .encode(x=x, y=y, color=charts.colour(named), opacity=charts.faded()),
    )
    return charts.finish(chart.add_params(charts.focus()), sheets)


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
    # crosses of one case would hide each other
    runs["x"] *= 1 + 0.012 * (runs["trial"] - runs.groupby(["method", "lag"])["trial"].transform("mean"))
    columns = ["method", "lag", "x", "shown", "status", "flops"]
    x = charts.lag_axis(runs["lag"])
    y = alt.Y(
        "shown:Q",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(title="FLOPs to solve", format="~e", tickCount=5),
    )
    tooltip = ["method:N", "lag:Q", alt.Tooltip("shown:Q", format=".3~e", title="FLOPs"), "status:N"]
    layers: list[Any] = [charts.line_at(budget, "budget (✕ unsolved)", name="budget")]
    if won.any():
        solved = alt.Chart(sheets.add(runs[won], columns))
        layers.append(
            solved.mark_point(filled=True, size=48).encode(
                x=x,
                y=y,
                color=charts.colour(named),
                shape=charts.shape(named),
                opacity=charts.faded(0.8),
                tooltip=tooltip,
            )
        )
    if not won.all():
        unsolved = alt.Chart(sheets.add(runs[~won], columns))
        layers.append(
            unsolved.mark_text(text="✕", fontSize=12).encode(
                x=x, y=y, color=charts.colour(named), opacity=charts.faded(0.8), tooltip=tooltip
            )
        )
    return charts.finish(alt.layer(*layers).add_params(charts.focus()), sheets)


def learning(results: Results, panel: Panel) -> Spec | None:
    """Validation error against cost, a line a retest; the cost's unit and the lag can be switched."""
    sheets = charts.Sheets()
    curves = results.of(panel, results.curves)
    curves = curves[curves["error"].notna()]
    if curves.empty:
        return None
    curves = thinned(curves)
    curves = curves.assign(run=curves["run_id"].map(_numbered(curves["run_id"])))
    chance = results.of(panel, results.trials).groupby("lag", as_index=False)["chance"].first()
    chance = chance[chance["lag"].isin(curves["lag"])].assign(label="chance")
    columns = ["run", "method", "lag", *COSTS, "error"]
    lines = (
        alt.Chart(sheets.add(curves, columns))
        .transform_filter("datum.lag === lag")
        .transform_calculate(cost="datum[axis]")
        .transform_filter("datum.cost > 0")
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X(
                "cost:Q",
                scale=alt.Scale(type="log", nice=False),
                axis=alt.Axis(format="~e", title=COSTS["flops"], tickCount=5, labelOverlap=True),
            ),
            y=charts.share_axis("error:Q", "validation sequences wrong"),
            color=charts.colour(looks(results.methods)),
            detail="run:N",
            opacity=charts.faded(0.85),
            tooltip=["method:N"],
        )
    )
    at_chance = alt.Chart(sheets.add(chance, ["lag", "chance", "label"])).transform_filter(
        "datum.lag === lag"
    )
    chart = alt.layer(
        at_chance.mark_rule(strokeDash=[5, 4], strokeWidth=1.2).encode(y="chance:Q"),
        at_chance.mark_text(align="right", baseline="bottom", dy=-3, dx=-2).encode(
            y="chance:Q", x=alt.value("width"), text="label:N"
        ),
        lines,
    )
    axis = alt.param(name="axis", value="flops")
    spec = charts.finish(chart.add_params(charts.focus(), axis, lag_choice(results, panel, curves)), sheets)
    _title_by_axis(spec)
    return spec


def _title_by_axis(spec: Spec) -> None:
    """Let the title of the cost axis follow its unit (the schema allows no expression there, Vega does)."""
    for layer in spec["layer"]:
        x = layer.get("encoding", {}).get("x", {})
        if x.get("field") == "cost":
            names = "{" + ", ".join(f"{key}: '{name}'" for key, name in COSTS.items()) + "}"
            x["axis"]["title"] = {"expr": f"{names}[axis]"}


def lag_choice(results: Results, panel: Panel, rows: pd.DataFrame) -> alt.Parameter:
    """A menu of the lags in `rows`; at first the longest that some method bridges, where methods part."""
    lags = [int(lag) for lag in sorted(set(rows["lag"]))]
    reached = [results.frontier(panel, method) for method in results.methods]
    bridged = [lag for lag in reached if lag in lags]
    first = max((lag for lag in bridged if lag is not None), default=lags[0])
    return alt.param(name="lag", value=first, bind=alt.binding_select(options=lags, name="lag "))


def thinned(curves: pd.DataFrame, points: int = POINTS_A_PANEL) -> pd.DataFrame:
    """At most about `points` rows, evenly from each run; its first and last check always stay."""
    allowed = max(20, min(80, points // max(1, curves["run_id"].nunique())))
    place = curves.groupby("run_id").cumcount()
    size = curves.groupby("run_id")["run_id"].transform("size")
    last = size - 1
    step = (last / (allowed - 1)).clip(lower=1)
    kept = (place / step).astype(int) != ((place - 1) / step).astype(int)
    return curves[kept | (place == 0) | (place == last)]


def _numbered(ids: pd.Series[str]) -> dict[str, int]:
    return {key: index for index, key in enumerate(dict.fromkeys(ids))}


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
    chart = (
        alt.Chart(sheets.add(counts, ["method", "lag", "status", "size", "case", "of"]))
        .mark_bar(height={"band": 0.72})
        .encode(
            x=alt.X("sum(size):Q", axis=alt.Axis(title="unsolved retests", tickMinStep=1, format="d")),
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
                "case:N",
                "status:N",
                alt.Tooltip("size:Q", title="retests"),
                alt.Tooltip("of:Q", title="of"),
            ],
        )
    )
    return charts.finish(alt.layer(chart).add_params(charts.focus()), sheets, height=18 * len(names) + 6)


def gradients(results: Results, panel: Panel) -> Spec | None:
    """The norm of the loss's gradient against how far back it reaches, before and after training."""
    sheets = charts.Sheets()
    probes = results.of(panel, results.probes)
    seen = probes[drawable(probes)]
    if seen.empty:
        return None
    middle = seen.groupby(["method", "lag", "moment", "back"], as_index=False)["gradient_norm"].median()
    chart = (
        alt.Chart(sheets.add(middle, ["method", "lag", "moment", "back", "gradient_norm"]))
        .transform_filter("datum.lag === lag")
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("back:Q", axis=alt.Axis(title="steps back from the end")),
            y=alt.Y(
                "gradient_norm:Q",
                scale=alt.Scale(type="log", nice=False),
                axis=alt.Axis(title="gradient norm", format="~e", tickCount=6),
            ),
            color=charts.colour(looks(results.methods)),
            strokeDash=alt.StrokeDash(
                "moment:N", scale=alt.Scale(domain=["before", "after"], range=[[3, 3], [1, 0]]), legend=None
            ),
            opacity=charts.faded(),
            tooltip=["method:N", "moment:N", "back:Q", alt.Tooltip("gradient_norm:Q", format=".3~e")],
        )
    )
    return charts.finish(
        alt.layer(chart).add_params(charts.focus(), lag_choice(results, panel, seen)), sheets
    )


def drawable(probes: pd.DataFrame) -> pd.Series[bool]:
    """Which probed norms can stand on a logarithmic axis."""
    norms = probes["gradient_norm"].astype(float)
    return (norms > 0) & (norms < math.inf)


def tuning(results: Results, panel: Panel) -> Spec | None:
    """Each trial's score and the best so far; below 1 is solved, 2 is chance."""
    sheets = charts.Sheets()
    trials = results.of(panel, results.tuning)
    trials = trials[trials["score"].notna()].sort_values(["method", "lag", "trial"], kind="stable")
    if trials.empty:
        return None
    trials = trials.assign(best=trials.groupby(["method", "lag"])["score"].cummin())
    named: Mapping[str, Look] = looks(results.methods)
    base = (
        alt.Chart(sheets.add(trials, ["method", "lag", "trial", "score", "best", "status"]))
        .transform_filter("datum.lag === lag")
        .encode(
            x=alt.X("trial:Q", axis=alt.Axis(title="trial", tickMinStep=1, format="d")),
            color=charts.colour(named),
            opacity=charts.faded(),
        )
    )
    y = alt.Y(
        "score:Q",
        scale=alt.Scale(domain=[0, 3.1], nice=False),
        axis=alt.Axis(title="score", values=[0, 1, 2, 3]),
    )
    chart = alt.layer(
        charts.line_at(2.0, "chance"),
        charts.line_at(1.0, "solved below", above=False, name="threshold"),
        base.mark_line(interpolate="step-after", strokeWidth=1.5).encode(y=alt.Y("best:Q")),
        base.mark_point(filled=True, size=36).encode(
            y=y,
            shape=charts.shape(named),
            opacity=charts.faded(0.7),
            tooltip=["method:N", "lag:Q", "trial:Q", alt.Tooltip("score:Q", format=".3f"), "status:N"],
        ),
    )
    return charts.finish(chart.add_params(charts.focus(), lag_choice(results, panel, trials)), sheets)


def statuses(results: Results) -> Iterator[tuple[str, str]]:
    """The outcomes of unsolved retests with their colours, for the legend."""
    lost = results.retests[~results.retests["solved"].astype(bool)]
    yield from ((status, outcome_colour(status)) for status in sorted(set(lost["status"])))
