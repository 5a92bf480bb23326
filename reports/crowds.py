"""Too many marks for a chart: those that would hide each other, drawn as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

MOST = 1500
"""Marks of a panel that are drawn one by one."""
BINS = 24
"""What a case is drawn in where there are more."""


def crowd(rows: pd.DataFrame, keys: Sequence[str], value: str, *, log: bool = False) -> pd.DataFrame:
    """`rows` with how many `runs` each stands for: one each, or of a crowd one a bin of `value`.

    A bin is a 24th of what the panel's values span, or of their logarithms, and its `value` is the median
    of those in it; of the other columns it has those of the first.
    """
    if len(rows) <= MOST:
        return rows.assign(runs=1)
    place = rows[value].astype(float)
    if log:
        place = place.map(math.log)
    width = max(float(place.max() - place.min()) / BINS, 1e-12)
    bins = ((place - place.min()) / width).clip(0, BINS - 1).astype(int)
    groups = rows.assign(bin=bins).groupby([*keys, "bin"], sort=False)
    kept = groups.first().reset_index()
    middle = groups[value].median().to_numpy()
    return kept.assign(**{value: middle, "runs": groups.size().to_numpy()}).drop(columns="bin")


def some_runs(runs: pd.DataFrame, keys: Sequence[str], cost: str, most: int) -> pd.Series[Any]:
    """Which of `runs` to draw: all, or of a case with more than `most` those at even ranks of their cost."""
    groups = runs.groupby(list(keys))[cost]
    rank = groups.rank(method="first", na_option="bottom") - 1
    size = groups.transform("size").clip(lower=1)
    wanted = np.minimum(size, most)
    kept = np.floor((rank + 1) * wanted / size) != np.floor(rank * wanted / size)
    return pd.Series(kept, index=runs.index)
