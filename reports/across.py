"""Over all tasks of a campaign: performance profiles as a chart, and the order of the methods as a table."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from longlag.reports import charts
from longlag.reports.answers import listed
from longlag.reports.areas import areas
from longlag.reports.charts import Spec
from longlag.reports.formats import NONE, interval, number, tally
from longlag.reports.oftener import SURE, oftener
from longlag.reports.palette import looks
from longlag.reports.profiles import TAUS, by_campaign
from longlag.reports.ranks import CHANGES, orders
from longlag.reports.results import Panel, Results


def profile(results: Results, panel: Panel) -> Spec | None:
    """Share of cases solved within so many times the best cost, with 95% bootstrap bands; over all tasks."""
    found = results.once(by_campaign)
    found = found[found["campaign"] == panel.campaign]
    if found.empty:
        return None
    sheets = charts.Sheets()
    named = looks(results.methods)
    base = alt.Chart(sheets.add(found, ["method", "tau", "share", "low", "high", "cases"], "shares")).encode(
        x=alt.X(
            "tau:Q",
            scale=alt.Scale(type="log", domain=[1, float(TAUS[-1])], nice=False),
            axis=alt.Axis(title="times the best cost", values=[1, 3, 10, 30, 100, 300, 1000], format="d"),
        ),
        color=charts.colour(named),
    )
    chart = alt.layer(
        charts.line_at(0.0, "chance: a trivial predictor solves none", above=False),
        base.mark_area(line=False).encode(
            y=charts.share_axis("low:Q", "cases solved"), y2=alt.Y2("high:Q"), opacity=charts.faded(0.13)
        ),
        base.mark_line(interpolate="step-after", strokeWidth=2).encode(
            y=charts.share_axis("share:Q", "cases solved"),
            opacity=charts.faded(),
            tooltip=[
                alt.Tooltip("method:N"),
                alt.Tooltip("tau:Q", format=".3~g"),
                *(alt.Tooltip(f"{name}:Q", format=".0%") for name in ("share", "low", "high")),
                alt.Tooltip("cases:Q"),
            ],
        ),
    )
    return charts.finish(chart, sheets)


class Order(NamedTuple):
    """A method's place among all: its mean area, its rank, and from best to worst under each change."""

    campaign: str
    method: str
    area: float
    tasks: int
    rank: str
    changes: list[str]


class Orders(NamedTuple):
    """The methods in their order, and a sentence for each change."""

    rows: list[Order]
    said: list[str]


def order(results: Results) -> Orders:
    """The order of the methods by their mean area, and how far it holds."""
    rows, said = [], []
    for campaign, found in results.once(orders).groupby("campaign", sort=False):
        for method, own in found.groupby("method", sort=False):
            first = own.iloc[0]
            by_change = {
                change: _span(best, worst)
                for change, best, worst in zip(own["change"], own["best"], own["worst"], strict=True)
            }
            changes = [by_change.get(change, NONE) for change in CHANGES]
            rows.append(
                Order(str(campaign), str(method), float(first["area"]), int(first["tasks"]),
                      number(float(first["rank"])), changes)
            )  # fmt: skip
        said += [_holds(results, str(campaign), str(change), own)
                 for change, own in found.groupby("change", sort=False)]  # fmt: skip
    rows.sort(key=lambda row: (list(results.campaigns).index(row.campaign), -row.area))
    return Orders(rows, said)


def _span(best: float, worst: float) -> str:
    return number(best) if best == worst else f"{number(best)} to {number(worst)}"


def _holds(results: Results, campaign: str, change: str, own: pd.DataFrame) -> str:
    whose = f"{campaign}: " if results.several else ""
    first = own[own["rank"] == own["rank"].min()]
    held = bool((first["worst"] <= first["rank"]).all())
    variants = int(own["variants"].iloc[0])
    times = "" if variants == 1 else f" in {'every' if held else 'not every'} one of {variants} ways"
    tau = float(own["tau"].iloc[0])
    bound = "" if variants == 1 else "at least "
    least = "" if math.isnan(tau) else f", Kendall's tau of the orders {bound}{tau:.2f}"
    one = len(first) == 1
    stays = ("stays" if one else "stay") if held else ("does not stay" if one else "do not stay")
    names = listed(list(first["method"]))
    return f"{whose}{change[0].upper()}{change[1:]}: {names} {stays} first{times}{least}."


def oftener_rows(results: Results) -> tuple[list[Any], int]:
    """The pairs of methods of which one surely solves a task more often, and how many others there are."""
    found = results.once(oftener)
    sure = found[(found["probability"] >= SURE) | (found["probability"] <= 1 - SURE)]
    return list(sure.itertuples()), len(found) - len(sure)


def oftener_row(row: Any) -> list[str]:
    """A pair of methods on a task, as text."""
    return [
        row.task,
        row.first,
        tally(row.first_solved, row.first_n),
        row.second,
        tally(row.second_solved, row.second_n),
        probability(row.probability),
        number(row.p),
        number(row.adjusted),
    ]


def probability(value: float) -> str:
    """A probability, two digits; never 0 or 1, which it is not."""
    return "> 0.99" if value > 0.995 else "< 0.01" if value < 0.005 else f"{value:.2f}"


def area_rows(results: Results) -> list[list[str]]:
    """The area of every method on every task with its interval, as text."""
    found = results.once(areas)
    rows: list[list[str]] = []
    for campaign, task, method, value, low, high, _, runs in found.itertuples(index=False, name=None):
        rows.append([campaign, task, method, f"{value:.2f}", interval(low, high), str(runs)])
    return rows
