"""The charts of which hyperparameter matters: importances as a heat table, and slices of the two largest."""

from __future__ import annotations

import math
from collections.abc import Iterator

import altair as alt
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from longlag.reports import charts, formats
from longlag.reports.charts import Spec
from longlag.reports.figures import Caption
from longlag.reports.formats import OF, number, percent
from longlag.reports.knobs import TOP, distribution, knobs, placed, settings
from longlag.reports.results import Panel, Results

MOST = 600
"""Trials that a slice shows; of more, evenly many."""


def heat(results: Results, panel: Panel) -> Spec | None:
    """Importance of each hyperparameter at each lag, all tasks together; blank where trials are too few."""
    found = results.once(knobs)
    found = found[(found["campaign"] == panel.campaign) & (found["knob"] != "")]
    if found.empty:
        return None
    sheets = charts.Sheets()
    told = results.once(knobs)
    told = told[(told["campaign"] == panel.campaign) & told["method"].isin(found["method"])]
    counts = _counted(told)
    found = found.assign(row=found["method"] + " · " + found["knob"])
    mean = found.groupby(["method", "row"])["importance"].mean()
    ordered = []
    for method in results.methods:
        if method in mean.index:
            ordered.append(f"{method} · trials")
            ordered += list(mean[method].sort_values(ascending=False, kind="stable").index)
    columns = ["method", "knob", "lag", "importance", "trials", "tasks", "row"]
    lags = alt.X("lag:O", axis=alt.Axis(title="lag (steps)", labelAngle=0, domain=False, ticks=False))
    rows = alt.Y("row:N", sort=ordered, axis=alt.Axis(title=None, labelLimit=260, domain=False, ticks=False))
    base = alt.Chart(sheets.add(found, columns, "importances")).encode(
        x=lags,
        y=rows,
        opacity=charts.faded(),
        tooltip=[
            alt.Tooltip("method:N"),
            alt.Tooltip("knob:N"),
            alt.Tooltip("lag:O"),
            alt.Tooltip("importance:Q", format=".0%"),
            alt.Tooltip("trials:Q"),
            alt.Tooltip("tasks:Q"),
        ],
    )
    scale = alt.Scale(domain=[0, 1], range=["#dbe7f0", "#0b4f80"])
    ink = alt.condition("datum.importance > 0.45", alt.value("#ffffff"), alt.value("#1c2126"))
    chart = alt.layer(
        base.mark_rect().encode(color=alt.Color("importance:Q", scale=scale, legend=None)),
        base.mark_text(fontSize=10).encode(text=alt.Text("importance:Q", format=".0%"), color=ink),
        alt.Chart(sheets.add(counts, ["method", "lag", "trials", "row", "said"], "trials"))
        .mark_text(fontSize=10)
        .encode(x=lags, y=rows, text=alt.Text("said:N"), opacity=charts.faded()),
    )
    return charts.finish(chart, sheets, height=18 * len(ordered) + 6)


def _counted(told: pd.DataFrame) -> pd.DataFrame:
    """How many trials each method has at each lag, and where these are too few."""
    cells = told.drop_duplicates(["method", "lag"])
    few = (cells["knob"] == "").map({True: " (few)", False: ""})
    said = cells["trials"].astype(str) + few
    return cells.assign(row=cells["method"] + " · trials", said=said)


def slices(results: Results) -> Iterator[tuple[Panel, Spec, Caption]]:
    """Of every method a chart of each of its two most important hyperparameters."""
    found = results.once(knobs)
    found = found[found["knob"] != ""]
    found = found.assign(weight=found["importance"] * found["trials"])
    tuning = placed(results)
    for (campaign, method), own in found.groupby(["campaign", "method"], sort=False):
        trials = tuning[(tuning["campaign"] == campaign) & (tuning["method"] == method)]
        told = settings(trials)
        weight = own.groupby("knob")["weight"].sum().sort_values(ascending=False, kind="stable")
        for name in map(str, weight.index[:2]):
            of = distribution(each[name] for each in told if name in each)
            if of is None:
                continue
            choice = isinstance(of, CategoricalDistribution)
            values = [
                (formats.plain(each[name]) if choice else float(each[name])) if name in each else None
                for each in told
            ]
            label = f"{method} · {name}" + (f"{OF}{campaign}" if results.labelled else "")
            shown = trials.assign(setting=pd.Series(values, trials.index, dtype=object if choice else float))
            shown = shown[shown["setting"].notna()]
            yield Panel(str(campaign), "", "", label), _slice(shown, name, of), _sliced(shown, choice)


def _sliced(trials: pd.DataFrame, choice: bool) -> Caption:
    best = trials.loc[trials["place"] <= TOP, "setting"]
    n = f"{len(trials)} tuning trials"
    if choice:
        whole, top = (each.value_counts(normalize=True) for each in (trials["setting"], best))
        most = top.index[0]
        said = f"{percent(top[most])} of the best quarter have {most}, of all {percent(whole[most])}."
        return Caption(said, n)
    found, expected = number(best.median()), number(trials["setting"].median())
    return Caption(f"The best quarter's median is {found}, that of all {expected}.", n)


def _setting(name: str, of: BaseDistribution) -> alt.X:
    """The axis of a hyperparameter."""
    if isinstance(of, CategoricalDistribution):
        return alt.X("setting:N", axis=alt.Axis(title=name, labelAngle=0, labelLimit=90))
    log = isinstance(of, (IntDistribution, FloatDistribution)) and of.log
    return alt.X(
        "setting:Q",
        scale=alt.Scale(type="log" if log else "linear", nice=False, padding=8, zero=False),
        axis=alt.Axis(title=name, tickCount=5, format=".3~g", labelOverlap=True),
    )


def _slice(trials: pd.DataFrame, name: str, of: BaseDistribution) -> Spec:
    """Place of each trial within its case against a hyperparameter, by lag."""
    sheets = charts.Sheets()
    rows = trials.iloc[:: math.ceil(len(trials) / MOST)]
    columns = ["method", "task", "lag", "trial", "setting", "place", "status"]
    choice = isinstance(of, CategoricalDistribution)
    # The lags beside each other, where all trials of a choice would lie on one line.
    beside = {"xOffset": alt.XOffset("lag:O")} if choice else {}
    points = (
        alt.Chart(sheets.add(rows, columns, "trials"))
        .mark_point(size=22, strokeWidth=1.1)
        .encode(
            x=_setting(name, of),
            y=alt.Y(
                "place:Q",
                scale=alt.Scale(domain=[-0.08, 1.03], reverse=True, nice=False),
                axis=alt.Axis(title="place in its case", values=[0, 0.5, 1], labelExpr=_ENDS),
            ),
            color=alt.Color(
                "lag:O",
                scale=alt.Scale(scheme="viridis"),
                legend=alt.Legend(title="lag", orient="top", symbolOpacity=1, columns=10),
            ),
            opacity=charts.faded(0.8),
            **beside,
            tooltip=[
                alt.Tooltip("task:N"),
                alt.Tooltip("lag:O"),
                alt.Tooltip("trial:Q"),
                alt.Tooltip("setting:N") if choice else alt.Tooltip("setting:Q", format=".3~g"),
                alt.Tooltip("status:N"),
            ],
        )
    )
    chart = alt.layer(
        charts.line_at(0.5, "chance: a setting that makes no difference", name="middle"), points
    )
    return charts.finish(chart, sheets, height=180)


_ENDS = "datum.value === 0 ? 'best' : datum.value === 1 ? 'worst' : 'middle'"
