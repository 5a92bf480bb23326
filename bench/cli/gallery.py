"""`longlag gallery`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longlag.bench.cli.terminal import console
from longlag.bench.contract.errors import BadInput


def gallery(
    names: Annotated[list[str] | None, typer.Argument(help="Exhibits; none: all of them.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the page and the figures go.")] = Path(
        "results", "local", "gallery"
    ),
    seed: Annotated[int, typer.Option("--seed", min=0, help="What is drawn at random comes from it.")] = 0,
    data: Annotated[
        Path | None, typer.Option("--data", help="IAM-OnDB's folder: handwriting reads its lines, too.")
    ] = None,
) -> None:
    """Compute the pictures that explain why, as one page that opens offline, and as SVG, PNG and PDF."""
    from longlag.reports import gallery as rooms

    made = []
    chosen = rooms.chosen(names or ())
    if data is not None and not set(chosen) & set(rooms.READERS):
        raise BadInput(f"--data {data}: only {', '.join(rooms.READERS)} reads data")
    for name in chosen:
        console.print(f"{name} ...", soft_wrap=True)
        made.append(rooms.make(name, seed, data))
    console.print(f"gallery: {rooms.write(made, out)}", soft_wrap=True)
