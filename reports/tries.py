"""How many tuning trials a method needs until one solves."""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from longlag.reports.formats import NONE
from longlag.reports.results import KEYS, Panel, Results


def attempts(results: Results) -> pd.DataFrame:
    """A row a case with tuning trials: how many were `tried`, how many `solved`, and the `first`.

    The first trial is 1; NaN where none solved.
    """
    tuning = results.tuning.sort_values([*KEYS, "trial"], kind="stable")
    tuning = tuning.assign(place=tuning.groupby(KEYS, sort=False).cumcount() + 1.0)
    won = tuning["solved"].astype(bool)
    groups = tuning.assign(first=tuning["place"].where(won), won=won).groupby(KEYS, sort=False)
    found = groups.agg(tried=("won", "size"), solved=("won", "sum"), first=("first", "min")).reset_index()
    return results.in_order(found)


class Tries(NamedTuple):
    """Methods against lags: of every method a text a lag."""

    panel: Panel
    lags: list[int]
    rows: list[tuple[str, list[str]]]


def table(results: Results, panel: Panel) -> Tries:
    """Which tuning trial first solved a case, and how many did, of a panel."""
    found = results.of(panel, results.once(attempts))
    columns = zip(
        *(found[name].tolist() for name in ("method", "lag", "first", "solved", "tried")), strict=True
    )
    cells = {(method, lag): cell(first, solved, tried) for method, lag, first, solved, tried in columns}
    lags = [int(lag) for lag in sorted(set(found["lag"]))]
    methods = [method for method in results.methods if method in set(found["method"])]
    return Tries(
        panel, lags, [(method, [cells.get((method, lag), NONE) for lag in lags]) for method in methods]
    )


def cell(first: float, solved: int, tried: int) -> str:
    """As text: the first trial that solved, and how many of all did."""
    return f"> {tried}" if math.isnan(first) else f"{first:.0f} ({solved}/{tried})"
