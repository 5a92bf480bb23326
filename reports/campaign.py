"""A campaign's folder as data frames: what `longlag.load` gives."""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property
from os import PathLike
from pathlib import Path

import pandas as pd

from longlag.bench import store
from longlag.reports.results import Results


class Campaign(store.Campaign):
    """A campaign's manifest, and its data frames: trials, curves, probes, extrapolation, cases."""

    @cached_property
    def cases(self) -> pd.DataFrame:
        """One row a case: its retests solved of n with the interval, their costs, how the others ended."""
        return Results([self]).cases


def load(folder: str | PathLike[str]) -> Campaign:
    """The campaign in `folder`, finished or not; raises BadInput where there is none, or a damaged one."""
    found = store.load(Path(folder))
    return Campaign(**{each.name: getattr(found, each.name) for each in fields(found)})
