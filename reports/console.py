"""The retest table for the terminal."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from reports.formats import interval, number, percent
from reports.results import Results


def table(results: Results) -> Table:
    """Rows task x lag, columns methods: solved/n, its interval, and the cost to solve or how most failed."""
    made = Table(
        title="Retests on fresh seeds",
        caption="solved/n [95% interval], then the median FLOPs to solve, or how most of the unsolved ended."
        " Chance: sequences the trivial predictor gets wrong.",
        box=box.SIMPLE_HEAD,
        caption_justify="left",
    )
    made.add_column("task", no_wrap=True)
    made.add_column("lag", justify="right")
    made.add_column("chance", justify="right")
    for method in results.methods:
        made.add_column(Text(method))
    for panel in results.panels:
        cases = results.of(panel, results.cases)
        for lag in sorted(set(cases["lag"])):
            rung = cases[cases["lag"] == lag]
            by_method = {str(row.method): row for row in rung.itertuples()}
            cells = [
                _cell(by_method[method]) if method in by_method else Text("not run", style="dim")
                for method in results.methods
            ]
            made.add_row(Text(panel.label), str(lag), percent(float(rung["chance"].iloc[0])), *cells)
        made.add_section()
    return made


def _cell(case: Any) -> Text:
    if case.n == 0:
        return Text("no retests", style="dim")
    style = "green" if case.solved == case.n else "yellow" if case.solved else "red"
    cell = Text(f"{case.solved}/{case.n}", style=f"bold {style}")
    cell.append(f" {interval(case.low, case.high)}", style="not bold dim")
    if case.solved:
        cell.append(f"\n{number(case.median_flops_to_solve)} FLOPs", style="not bold")
    else:
        cell.append(f"\n{dominating(case.outcomes)}", style="not bold")
    return cell


def dominating(outcomes: str) -> str:
    """The commonest outcome of those counted in a summary's `outcomes`."""
    return outcomes.split(", ")[0].rsplit(" ", 1)[0]
