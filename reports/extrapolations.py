"""How far what was trained at one lag carries to longer ones: the solved retests, asked untrained."""

from __future__ import annotations

from typing import NamedTuple

from longlag.bench.trial.spec import bridged
from longlag.reports.formats import NONE, percent, tally
from longlag.reports.results import KEYS, Results

NOTE = (
    "What solved its retests at a lag, asked the same at longer ones without further training. Solved of the "
    "runs that were asked, and the median share of sequences they got wrong; a run that fails at one lag is "
    "not asked at the next. Reaches: the longest lag that 90% of the runs solve, with all below; ≥ where no "
    "longer one was asked."
)


class Extrapolated(NamedTuple):
    """A case with solved retests that were asked at longer lags; `cells` stand under the table's factors."""

    campaign: str
    task: str
    variant: str
    lag: int
    method: str
    runs: int
    reaches: str
    cells: list[str]
    why: str
    """Why no longer lag was asked; empty where one was."""


class Table(NamedTuple):
    """The multiples of the lag that were asked, and the cases."""

    factors: list[int]
    rows: list[Extrapolated]


def extrapolated(results: Results) -> Table:
    """Every case that was asked, in the order of the cases."""
    asked = results.extrapolation
    # A column that no run came to says nothing.
    known = asked[asked["tested"] > 0] if asked["tested"].any() else asked
    factors = sorted(int(factor) for factor in set(known["factor"]))
    groups = dict(list(asked.groupby(KEYS, sort=False)))
    rows = []
    for key in results.cases[KEYS].itertuples(index=False, name=None):
        if key not in groups:
            continue
        own = groups[key]
        tested = own[own["tested"] > 0]
        runs, lag, reaches, cells = own["run_id"].nunique(), int(key[-1]), 1, []
        for factor in factors:
            there = tested[tested["factor"] == factor]
            won = int(there["solved"].astype(bool).sum())
            wrong = percent(float(there["error"].median()))
            cells.append(f"{tally(won, len(there))} ({wrong})" if len(there) else NONE)
            if bridged(won, runs):
                reaches = factor
        why = "" if len(tested) else str(own["detail"].iloc[0])
        campaign, method, task, variant, _ = map(str, key)
        open_ = "≥ " if tested["solved"].astype(bool).all() else ""
        said = NONE if why else f"{open_}{reaches * lag}"
        rows.append(Extrapolated(campaign, task, variant, lag, method, runs, said, cells, why))
    return Table(factors, rows)
