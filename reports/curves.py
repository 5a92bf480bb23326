"""The charts with a menu of lags: learning curves, gradients through time, and tuning."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from longlag.reports import charts
from longlag.reports.charts import Spec
from longlag.reports.crowds import some_runs
from longlag.reports.palette import looks
from longlag.reports.results import KEYS, Panel, Results

COSTS = {"flops": "FLOPs", "sequences": "sequences", "updates": "updates", "seconds": "seconds"}
POINTS_A_PANEL = 9000
POINTS = 72_000
"""Points of all learning curves together; it is these that make a page large."""
MOST_RUNS = 500
"""Curves of a panel; of cases with more, five are drawn at least, at even ranks of their cost."""
MOST_TRIALS = 3000
"""Tuning trials of a panel that are drawn; of more, evenly many of each case, and all that were the best."""


def learning(results: Results, panel: Panel) -> Spec | None:
    """Validation error against cost, a line a retest; the cost's unit and the lag can be switched."""
    sheets = charts.Sheets()
    curves = results.of(panel, results.curves)
    curves = curves[curves["error"].notna()]
    if curves.empty:
        return None
    ends = curves.groupby("run_id", as_index=False, sort=False).agg(
        {"method": "first", "lag": "first", "flops": "max"}
    )
    each = max(MOST_RUNS // len(ends[["method", "lag"]].drop_duplicates()), 5)
    drawn = ends[some_runs(ends, ["method", "lag"], "flops", each)]
    points = min(POINTS_A_PANEL, POINTS // len(results.panels))
    curves = thinned(curves[curves["run_id"].isin(drawn["run_id"])], points)
    curves = curves.assign(run=curves["run_id"].map(_numbered(curves["run_id"])))
    chance = results.of(panel, results.trials).groupby("lag", as_index=False)["chance"].first()
    chance = chance[chance["lag"].isin(curves["lag"])].assign(label="chance")
    columns = ["run", "method", "lag", *COSTS, "error"]
    paid = curves[curves["flops"] > 0]
    single = paid[paid.groupby("run_id")["run_id"].transform("size") == 1]

    def drawn_of(frame: pd.DataFrame, name: str) -> alt.Chart:
        made = alt.Chart(sheets.add(frame, columns, name)).transform_filter("datum.lag === lag")
        return made.transform_calculate(cost="datum[axis]").transform_filter("datum.cost > 0")

    def placed(marks: alt.Chart) -> alt.Chart:
        return marks.encode(
            x=alt.X(
                "cost:Q",
                scale=alt.Scale(type="log", nice=False),
                axis=alt.Axis(format="~e", title=COSTS["flops"], tickCount=5, labelOverlap=True),
            ),
            y=charts.share_axis("error:Q", "validation sequences wrong"),
            color=charts.colour(looks(results.methods)),
            detail=alt.Detail("run:N"),
            opacity=charts.faded(0.85),
            tooltip=[alt.Tooltip("method:N")],
        )

    at_chance = alt.Chart(sheets.add(chance, ["lag", "chance", "label"])).transform_filter(
        "datum.lag === lag"
    )
    chart = alt.layer(
        at_chance.mark_rule(strokeDash=[5, 4], strokeWidth=1.2).encode(y=alt.Y("chance:Q")),
        at_chance.mark_text(align="right", baseline="bottom", dy=-3, dx=-2).encode(
            y=alt.Y("chance:Q"), x=alt.value("width"), text=alt.Text("label:N")
        ),
        placed(drawn_of(curves, "checks").mark_line(strokeWidth=1.5)),
        # Of a run that is solved at its first check there is no line.
        *([placed(drawn_of(single, "single").mark_circle(size=30))] if len(single) else []),
    )
    axis = alt.param(name="axis", value="flops")
    spec = charts.finish(chart, sheets, params=[axis, lag_choice(results, panel, curves)])
    _title_by_axis(spec)
    return spec


def _title_by_axis(spec: Spec) -> None:
    """Let the title of the cost axis follow its unit (the schema allows no expression there, Vega does)."""
    for layer in spec["layer"]:
        x = layer.get("encoding", {}).get("x", {})
        if x.get("field") == "cost":
            names = "{" + ", ".join(f"{key}: '{name}'" for key, name in COSTS.items()) + "}"
            x["axis"]["title"] = {"expr": f"{names}[axis]"}


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


def gradients(results: Results, panel: Panel) -> Spec | None:
    """The norm of the loss's gradient against how far back it reaches, before and after training."""
    sheets = charts.Sheets()
    middle = results.of(panel, results.once(norms))
    if middle.empty:
        return None
    chart = (
        alt.Chart(sheets.add(middle, ["method", "lag", "moment", "back", "gradient_norm"], "medians"))
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
            tooltip=[
                alt.Tooltip("method:N"),
                alt.Tooltip("moment:N"),
                alt.Tooltip("back:Q"),
                alt.Tooltip("gradient_norm:Q", format=".3~e"),
            ],
        )
    )
    return charts.finish(alt.layer(chart), sheets, params=[lag_choice(results, panel, middle)])


def norms(results: Results) -> pd.DataFrame:
    """Medians over a case's runs of the probed norms, before and after: `back`, `gradient_norm`, `runs`.

    Sequences differ in length, and so do the steps that are kept of a run's probe. Between these its norms
    are interpolated, on a logarithmic axis, and all runs are looked at on the steps of the shortest: or
    neighbours would be medians of other runs.
    """
    probes = results.probes
    seen = probes[drawable(probes) & (probes["moment"] != "during")]
    keys = [*KEYS, "moment"]
    case = seen.groupby(keys, sort=False).ngroup().to_numpy()
    run = pd.factorize(seen["run_id"])[0]
    back, norm = seen["back"].to_numpy(float), np.log(seen["gradient_norm"].to_numpy(float))
    # As arrays, a run at a time: a frame a run takes half of the time of a large report.
    order = np.lexsort((back, run, case))
    case, run, back, norm = case[order], run[order], back[order], norm[order]
    begins = np.flatnonzero(np.diff(case, prepend=-1) | np.diff(run, prepend=-1))
    of_case: dict[int, list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]] = {}
    for begin, end in pairwise([*begins.tolist(), len(case)]):
        of_case.setdefault(int(case[begin]), []).append((back[begin:end], norm[begin:end]))
    named = seen[keys].iloc[order].to_numpy()[np.flatnonzero(np.diff(case, prepend=-1))]
    rows = []
    for key, runs in zip(named.tolist(), of_case.values(), strict=True):
        first, last = max(at[0] for at, _ in runs), min(at[-1] for at, _ in runs)
        steps = min((at for at, _ in runs), key=lambda at: float(at[-1]))
        steps = steps[(steps >= first) & (steps <= last)]
        middle = np.exp(np.median([np.interp(steps, at, values) for at, values in runs], axis=0))
        rows += [
            (*key, int(place), float(value), len(runs)) for place, value in zip(steps, middle, strict=True)
        ]
    return pd.DataFrame(rows, columns=[*keys, "back", "gradient_norm", "runs"])


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
    groups = trials.groupby(["method", "lag"])["score"]
    trials = trials.assign(best=groups.cummin())
    every = math.ceil(len(trials) / MOST_TRIALS)
    place, last = groups.cumcount(), groups.transform("size") - 1
    trials = trials[(trials["score"] == trials["best"]) | (place % every == 0) | (place == last)]
    named = looks(results.methods)
    base = (
        alt.Chart(sheets.add(trials, ["method", "lag", "trial", "score", "best", "status"], "trials"))
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
            tooltip=[
                alt.Tooltip("method:N"),
                alt.Tooltip("lag:Q"),
                alt.Tooltip("trial:Q"),
                alt.Tooltip("score:Q", format=".3f"),
                alt.Tooltip("status:N"),
            ],
        ),
    )
    return charts.finish(chart, sheets, params=[lag_choice(results, panel, trials)])


def lag_choice(results: Results, panel: Panel, rows: pd.DataFrame) -> alt.Parameter:
    """A menu of the lags in `rows`."""
    lags = [int(lag) for lag in sorted(set(rows["lag"]))]
    first = first_lag(results, panel, rows)
    return alt.param(name="lag", value=first, bind=alt.binding_select(options=lags, name="lag "))


def first_lag(results: Results, panel: Panel, rows: pd.DataFrame) -> int:
    """The lag in `rows` that is shown at first: the longest that some method bridges, where methods part."""
    lags = {int(lag) for lag in rows["lag"]}
    reached = [results.frontier(panel, method) for method in results.methods]
    return max((lag for lag in reached if lag in lags), default=min(lags))
