"""Results in, pages out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from longlag.bench.contract.errors import BadInput

if TYPE_CHECKING:
    from rich.table import Table

    from longlag.reports.results import Results

EVERY = 60
"""Seconds after which the page of a campaign under way is made, and loaded, again."""

__all__ = [
    "EVERY",
    "apart",
    "beside",
    "differing",
    "read",
    "save",
    "table",
    "terminal",
    "write",
    "write_for_paper",
]

# The charts' libraries take a second to import, which no other command should pay: hence the imports inside.


def read(folders: Sequence[Path], relax: float | None = None) -> Results:
    """The results of campaigns, side by side; raises BadInput for a damaged one, and for none.

    `relax`: solved is what had fewer wrong than so many times the task's threshold at a stored check.
    """
    from longlag.bench.store import load
    from longlag.reports.relaxed import not_recomputed, relaxed
    from longlag.reports.results import Results

    if not folders:
        raise BadInput("no campaign to report on: name at least one results folder")
    found = [load(folder) for folder in folders]
    if relax is None:
        return Results(found)
    if not 1 < relax < 100:
        raise BadInput(f"--relax {relax:g}: how many times the threshold, above 1 and below 100")
    return Results([relaxed(each, relax) for each in found], not_recomputed(found, relax))


def beside(results: Results, others: Results) -> Results:
    """`results`, and on the same panels what `others` have of the same tasks."""
    from longlag.reports.results import Results

    return Results([*results.campaigns.values(), *others.on_tasks_of(results)], results.relaxed, joined=True)


def unshared(others: Results, asked: Sequence[tuple[str, str]]) -> list[str]:
    """A line for every task variant of `asked` that is in none of `others`: what these have of the task."""
    panels = {(panel.task, panel.variant) for panel in others.panels}
    lines = []
    for task, variant in asked:
        if (task, variant) not in panels:
            near = [f"{task}:{other}" for name, other in sorted(panels) if name == task]
            told = f"; of that task they have {', '.join(near)}" if near else ""
            lines.append(f"{', '.join(others.campaigns)}: nothing on {task}:{variant} to stand beside{told}")
    return lines


def write(results: Results, folder: Path, page: Results | None = None, *, live: bool = False) -> Path:
    """Write the tables, the raw rows, frontier.svg and report.html into `folder`; the path of the page.

    `page`: what the page shows, where that is more than the tables. `live`: the page is loaded again every
    minute. Raises BadInput where they cannot be written.
    """
    from longlag.reports.page import as_html
    from longlag.reports.rows import as_files
    from longlag.reports.tables import SUMMARY

    shown = page or results
    files: dict[str, str | bytes] = {name: written(results) or "" for name, written in SUMMARY.items()}
    files |= {
        **as_files(shown),
        "report.html": as_html(shown, EVERY if live else 0),
    }
    for name, content in files.items():
        if content:
            save(folder / name, content)
    return folder / "report.html"


def write_for_paper(results: Results, folder: Path) -> int:
    """Write every figure and every table into `figures` and `tables` of `folder`; how many files these are.

    Figures as SVG, PNG and PDF in one column and in two, with the rows behind them; tables as CSV, Markdown
    and LaTeX. Raises BadInput where they cannot be written.
    """
    from longlag.reports import paper

    count = 0
    for name, drawn in paper.figures(results, paper.specs(results)):
        save(folder / "figures" / name, drawn)
        count += 1
    for name, text in paper.tables(results):
        save(folder / "tables" / name, text)
        count += 1
    return count


def table(results: Results, kind: str) -> tuple[str, str]:
    """The summary as csv, markdown or latex, and the name of the file that it goes to."""
    from longlag.reports.tables import FORMATS

    name, written = FORMATS[kind]
    return written(results), name


def save(path: Path, content: str | bytes) -> None:
    """Write a file in one step, in folders made for it; raises BadInput where it cannot be written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        draft.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def terminal(results: Results) -> list[Table]:
    """The retests for the terminal, and of two campaigns what differs beyond noise."""
    from longlag.reports.console import tables

    return list(tables(results))


def differing(results: Results, cases: bool) -> list[str]:
    """One line for all in which the first campaign and each of the others differ but in results.

    `cases`: also which cases only one of them has.
    """
    from longlag.reports.sheets import differs

    return differs(results, cases)
