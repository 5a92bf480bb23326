"""The retest table for the terminal."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from longlag.reports.formats import interval, number, percent
from longlag.reports.results import Results


def table(results: Results) -> Table:
    """A row a case, under a line for its task and lag: solved/n, its interval, cost to solve, outcomes.

    Long rather than wide, so that it fits a terminal of 60 columns however many methods there are.
    """
    made = Table(
        title="Retests on fresh seeds",
        caption="Solved of n with its 95% interval, the median FLOPs to solve, and how the unsolved ended."
        " Chance: sequences the trivial predictor gets wrong.",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    made.add_column("", overflow="fold")
    made.add_column("solved", no_wrap=True)
    made.add_column("FLOPs", justify="right", no_wrap=True)
    made.add_column("unsolved", min_width=len("out_of_memory 1"), overflow="fold")
    for panel in results.panels:
        cases = results.of(panel, results.cases)
        for lag in sorted(set(cases["lag"])):
            rung = cases[cases["lag"] == lag]
            chance = percent(float(rung["chance"].iloc[0]))
            made.add_row(
                Text(f"{panel.label}, lag {lag}", style="bold"), Text(f"chance {chance}", style="dim")
            )
            for case in rung.itertuples():
                made.add_row(Text(f"  {case.method}"), *_cells(case))
            made.add_section()
    return made


def _cells(case: Any) -> list[Text]:
    if case.n == 0:
        return [Text("no retests", style="dim")]
    style = "green" if case.solved == case.n else "yellow" if case.solved else "red"
    solved = Text(f"{case.solved}/{case.n}", style=f"bold {style}")
    solved.append(f" {interval(case.low, case.high)}", style="not bold dim")
    return [
        solved,
        Text(number(case.median_flops_to_solve) if case.solved else ""),
        Text(case.outcomes),
    ]
