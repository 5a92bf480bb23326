"""The end of docs/tasks.md: what the controls came to on every task variant, of stored campaigns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from longlag.bench.contract.names import TWIN
from longlag.bench.store import load
from longlag.reports.formats import NONE, markdown, number, percent, tally

_HEAD = """
## Is it the lag?

What the controls came to on every variant, from the rows in `results/controls`: of each the retests that
solved the task, and the median share of sequences they got wrong. {budgets} Whoever bridges nothing must not
solve a task; one that is solved by random guessing needs a long memory, but no training across the lag. The
baseline should solve the twin, the task without its lag. See [comparison.md](comparison.md).
"""


def page(folders: list[Path]) -> str:
    """The section, as Markdown; raises BadInput where a campaign is damaged."""
    retests = pd.concat([load(folder).trials for folder in folders])
    retests = retests[retests["phase"] == "retest"]
    twin = retests["variant"].str.endswith(TWIN)
    retests = retests.assign(
        control=retests["method"].where(~twin, retests["method"] + " on the twin"),
        of=retests["task"] + ":" + retests["variant"].str.removesuffix(TWIN),
    )
    controls = sorted(set(retests["control"]))
    most = retests.groupby("control")["budget"].max()
    budgets = ", ".join(f"{control} up to {number(float(flops))} FLOPs" for control, flops in most.items())
    rows = []
    for variant, runs in retests.groupby("of"):
        lag, chance = int(runs["lag"].iloc[0]), float(runs["chance"].iloc[0])
        cells = (_cell(runs[runs["control"] == control]) for control in controls)
        rows.append([f"`{variant}`", str(lag), percent(chance), *cells])
    lines = markdown(["variant", "lag", "chance", *controls], rows)
    return _HEAD.format(budgets=f"({budgets}.)") + "\n" + "\n".join(lines) + "\n"


def _cell(runs: pd.DataFrame) -> str:
    if runs.empty:
        return NONE
    solved, wrong = int(runs["solved"].sum()), float(runs["error"].astype(float).median())
    return f"{tally(solved, len(runs))}, {percent(wrong)} wrong"
