"""`longlag report`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from longlag import reports
from longlag.bench.cli.terminal import console
from longlag.bench.contract.errors import BadInput


def report(
    folders: Annotated[list[Path], typer.Argument(help="Campaign folders.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where it goes: a folder, or the file of a single table.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="The table alone, as CSV, with a row a case.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The tables alone, as Markdown.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="The tables alone, as LaTeX.")] = False,
    figures: Annotated[
        bool,
        typer.Option("--figures", help="Also each figure as SVG, PNG and PDF for papers, and each table."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Again every minute, until the campaigns are at their end.")
    ] = False,
    relax: Annotated[
        float | None,
        typer.Option("--relax", help="Solved at so many times the error threshold, from stored curves."),
    ] = None,
) -> None:
    """Write page and tables again, from what is stored; of two campaigns say what differs beyond noise."""
    kinds = [kind for kind, asked in (("csv", csv), ("markdown", markdown), ("latex", latex)) if asked]
    if watch and (kinds or figures or relax is not None):
        raise BadInput("--watch: keeps the page current, and goes with --out alone")
    if watch:
        _watch(folders, out)
    elif kinds:
        _tables(folders, kinds, out, relax)
    else:
        show_report(folders, out, relax=relax, figures=figures)


def show_report(
    folders: Sequence[Path],
    out: Path | None = None,
    against: Sequence[Path] = (),
    relax: float | None = None,
    figures: bool = False,
) -> None:
    """Print the tables, and write the page and them: of one campaign into its folder, of several into `out`.

    The page and what is printed show the campaigns of `against` too. With a criterion relaxed they go into a
    folder of their own, so that the strict ones stay. Raises BadInput.
    """
    results = reports.read(folders, relax)
    shown = reports.beside(results, reports.read(against)) if against else results
    for table in reports.terminal(shown):
        console.print(table)
    for line in reports.differing(shown.apart, cases=not against):
        console.print(line, soft_wrap=True)
    beside = folders[0] if relax is None else folders[0] / f"relaxed_{relax:g}"
    folder = beside if out is None and len(folders) == 1 else out
    if folder is None:
        console.print("--out DIR writes their page and tables")
    else:
        console.print(f"report: {reports.write(results, folder, shown)}", soft_wrap=True)
        if figures:
            count = reports.write_for_paper(shown, folder)
            console.print(
                f"figures and tables: {count} files in {folder / 'figures'} and {folder / 'tables'}"
            )


def _watch(folders: Sequence[Path], out: Path | None) -> None:
    """Write page and tables every minute, said to be not final, until all campaigns are at their end.

    Raises BadInput where the first reading fails; later ones may meet a file that is just being replaced.
    """
    if out is None and len(folders) > 1:
        raise BadInput("--watch: --out DIR for the page of several campaigns")
    folder = folders[0] if out is None else out
    results = reports.read(folders)
    while results.unfinished:
        written = reports.write(results, folder, live=True)
        console.print(f"{len(results.everything)} trials: {written}", soft_wrap=True)
        time.sleep(reports.EVERY)
        with suppress(BadInput):
            results = reports.read(folders)
    console.print(f"finished: {reports.write(results, folder)}", soft_wrap=True)


def _tables(folders: Sequence[Path], kinds: Sequence[str], out: Path | None, relax: float | None) -> None:
    """Print the summary in these forms, or write it to `out`; raises BadInput."""
    results = reports.read(folders, relax)
    a_file = out is not None and out.suffix and not out.is_dir()
    if a_file and len(kinds) > 1:
        raise BadInput(f"--out {out}: one file for {len(kinds)} tables; name a folder")
    for kind in kinds:
        text, name = reports.table(results, kind)
        if out is None:
            typer.echo(text, nl=not text.endswith("\n"))
            continue
        path = out if a_file else out / name
        reports.save(path, text)
        console.print(f"{kind}: {path}", soft_wrap=True)
