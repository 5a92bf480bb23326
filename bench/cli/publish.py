"""`longlag publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longlag.bench.cli.terminal import console
from longlag.bench.contract.errors import BadInput

README = "README.md"


def publish(
    folder: Annotated[Path, typer.Argument(help="A finished campaign's folder.")],
    name: Annotated[str | None, typer.Option("--as", help="Its name among the published.")] = None,
    results: Annotated[Path, typer.Option("--results", help="Where the published lie.")] = Path("results"),
    force: Annotated[bool, typer.Option("--force", help="Publish also what changed code has made.")] = False,
) -> None:
    """Check a campaign, copy it among the published ones, and bring the record book up to date."""
    from longlag.bench.campaign.publishing import contents, copy, faults
    from longlag.bench.campaign.replay import stored_profile
    from longlag.bench.store import load
    from longlag.bench.store.files import replace_file
    from longlag.reports import records

    chosen = name or folder.resolve().name
    if Path(chosen).name != chosen or chosen in {"", ".", "..", "local"}:
        raise BadInput(f"--as {chosen}: not the name of a folder")
    if results.exists() and not results.is_dir():
        raise BadInput(f"{results}: not a folder")
    files = contents(folder)
    found = faults(folder, files, force)
    for fault in found:
        console.print(f"{folder}: {fault}", soft_wrap=True)
    if found:
        raise typer.Exit(1)
    if mixed := load(folder).mixed:
        console.print(f"{folder}: a mix of code: {mixed}", soft_wrap=True)
    changed = copy(folder, files, results / chosen)
    page = results / README
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    after = records.with_book(before, results)
    if after != before:
        replace_file(page, after.encode())
    said = "published" if changed or after != before else "published already, and nothing changed"
    new = ", none of them new" if changed and after == before else ""
    console.print(f"{results / chosen}: {said}; records: {page}{new}", soft_wrap=True)
    for plugin in stored_profile(folder).plugins:
        console.print(
            f"{plugin} is not published with it: without the file no one can replay it", soft_wrap=True
        )
