"""Results in, pages out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from longlag.bench.contract.errors import BadInput

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["terminal", "write"]


def write(folders: Sequence[Path], out: Path | None = None) -> Path:
    """Write summary.csv, summary.md, summary.tex, frontier.svg and report.html; the path of the page.

    One campaign's files go into its own folder unless `out` names another; several stand side by side
    in `out`. Raises BadInput for a damaged campaign, for none, and for several without `out`.
    """
    # the charts' libraries take a second to import, which no other command should pay
    from longlag.bench.store import load
    from longlag.reports.page import as_html
    from longlag.reports.reach import picture
    from longlag.reports.results import Results
    from longlag.reports.tables import as_csv, as_latex, as_markdown

    if not folders:
        raise BadInput("no campaign to report on: name at least one results folder")
    if out is None and len(folders) > 1:
        raise BadInput(
            f"{len(folders)} campaigns side by side need a folder of their own: give one with --out"
        )
    target = folders[0] if out is None else out
    results = Results([load(folder) for folder in folders])
    files = {
        "summary.csv": as_csv(results),
        "summary.md": as_markdown(results),
        "summary.tex": as_latex(results),
        "report.html": as_html(results),
        "frontier.svg": picture(results) or "",
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        if not text:
            continue
        _replace(target / name, text)
    return target / "report.html"


def terminal(folder: Path) -> list[Table]:
    """The retests of one campaign, for the terminal; raises BadInput for a damaged campaign."""
    from longlag.bench.store import load
    from longlag.reports.console import tables
    from longlag.reports.results import Results

    return list(tables(Results([load(folder)])))


def _replace(path: Path, text: str) -> None:
    """Write in one step, so that an interruption never leaves half a file."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
