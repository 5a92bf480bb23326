"""`longlag report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longlag import reports
from longlag.bench.cli.terminal import console


def report(
    folders: Annotated[list[Path], typer.Argument(help="Campaign folders.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where several campaigns' report goes.")] = None,
) -> None:
    """Write the page and the tables again, from what is stored; several campaigns side by side."""
    show_report(folders, out)


def show_report(folders: list[Path], out: Path | None) -> None:
    """Write the page, and print the tables of a single campaign; raises BadInput."""
    page = reports.write(folders, out)
    if len(folders) == 1:
        for table in reports.terminal(folders[0]):
            console.print(table)
    console.print(f"report: {page}", soft_wrap=True)
